import { readAttachment } from './attachments.js';
import { button, byId, element } from './dom.js';

/** Where the next message is written: text and attachments. */
export class Composer {
  #form = byId('composer');
  #text = byId('message');
  #files = byId('files');
  #list = byId('attachments');
  #editing = byId('editing');
  #attachments = [];
  #reading = 0;
  #events;

  /** @param events {send(text, attachments), stop(), cancelEdit(), failed(error), apiKey()}. */
  constructor(events) {
    this.#events = events;
    this.#form.addEventListener('submit', event => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('input', () => this.#changed());
    this.#text.addEventListener('keydown', event => this.#keydown(event));
    this.#text.addEventListener('paste', event => this.#take(event, event.clipboardData.files));
    byId('stop').addEventListener('click', () => events.stop());
    byId('cancel-edit').addEventListener('click', () => events.cancelEdit());
    byId('attach').addEventListener('click', () => this.#files.click());
    this.#files.addEventListener('change', () => {
      this.attach([...this.#files.files]);
      this.#files.value = '';
    });
    addEventListener('dragover', event => event.preventDefault());
    addEventListener('drop', event => this.#take(event, event.dataTransfer.files));
    this.#changed();
  }

  /** Puts a message here; `editing` says that sending it replaces an earlier one. */
  fill({ text, attachments }, editing) {
    this.#text.value = text;
    this.#attachments = [...attachments];
    this.#editing.hidden = !editing;
    this.#changed();
    this.#text.focus();
  }

  /** While an answer runs, there is a button to stop it in the place of the one to send. */
  set running(running) {
    if (byId('send').hidden === running) return;
    const moveFocus = document.activeElement === byId(running ? 'send' : 'stop');
    byId('send').hidden = running;
    byId('stop').hidden = !running;
    if (moveFocus) (running ? byId('stop') : this.#text).focus();
    this.#changed();
  }

  async attach(files) {
    for (const file of files) {
      this.#reading++;
      this.#changed();
      try {
        this.#attachments.push(await readAttachment(file, this.#events.apiKey()));
      } catch (error) {
        this.#events.failed(error);
      } finally {
        this.#reading--;
        this.#changed();
      }
    }
  }

  #take(event, files) {
    if (files.length === 0) return;
    event.preventDefault();
    this.attach([...files]);
  }

  /** Enter that ends the writing of a character, as in Japanese, sends nothing. */
  #keydown(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.#text.value.trim();
    if (byId('send').hidden || byId('send').disabled) return;
    const attachments = this.#attachments;
    this.fill({ text: '', attachments: [] }, false);
    this.#events.send(text, attachments);
  }

  #changed() {
    byId('send').disabled = this.#reading > 0 || (this.#text.value.trim() === '' && this.#attachments.length === 0);
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
    this.#list.hidden = this.#attachments.length === 0 && this.#reading === 0;
    this.#list.replaceChildren(...this.#attachments.map((file, i) => this.#chip(file, i)),
      ...(this.#reading > 0 ? [element('li', { class: 'chip' }, 'Reading…')] : []));
  }

  #chip(file, index) {
    return element('li', { class: 'chip' }, element('span', { class: 'name' }, file.name), button(`Remove ${file.name}`, 'close', () => {
      this.#attachments.splice(index, 1);
      this.#changed();
      this.#text.focus();
    }));
  }
}
