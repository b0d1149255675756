import { ask } from './ask.js';
import { button, byId, element } from './dom.js';

/** The list of conversations. On a narrow page it lies over the conversation and is opened by a button. */
export class Sidebar {
  #list = byId('conversations');
  #toggle = byId('toggle-sidebar');
  #events;

  /** @param events {open(id), create(), rename(id, title), remove(id), export(id)}. */
  constructor(events) {
    this.#events = events;
    byId('new-conversation').addEventListener('click', () => {
      this.close();
      events.create();
    });
    this.#toggle.addEventListener('click', () => this.#set(!this.isOpen));
    byId('backdrop').addEventListener('click', () => this.close());
  }

  get isOpen() {
    return document.body.classList.contains('sidebar-open');
  }

  close() {
    if (this.isOpen) this.#set(false);
  }

  show(conversations, currentId) {
    const entries = conversations.map(conversation => this.#entry(conversation, conversation.id === currentId));
    const focused = this.#focusedPlace();
    this.#list.replaceChildren(...entries);
    if (focused !== null) (entries.at(Math.min(focused.entry, entries.length - 1))?.querySelectorAll('button')[focused.button] ?? byId('new-conversation')).focus();
    byId('no-conversations').hidden = conversations.length > 0;
  }

  /** Which button has the focus, so that its successor gets it when the list is made anew; null where none has. */
  #focusedPlace() {
    const entry = [...this.#list.children].findIndex(node => node.contains(document.activeElement));
    return entry < 0 ? null : { entry, button: [...this.#list.children[entry].querySelectorAll('button')].indexOf(document.activeElement) };
  }

  #set(open) {
    document.body.classList.toggle('sidebar-open', open);
    this.#toggle.setAttribute('aria-expanded', String(open));
    byId('main').inert = open;
    (open ? byId('new-conversation') : this.#toggle).focus();
  }

  #entry({ id, title }, current) {
    const name = title || 'New conversation';
    const open = element('button', { type: 'button', class: 'open', 'aria-current': current ? 'true' : null, title: name, onclick: () => {
      this.close();
      this.#events.open(id);
    } }, name);
    return element('li', { class: current ? 'current' : null }, open, element('div', { class: 'entry-actions' },
      button(`Rename ${name}`, 'edit', () => this.#rename(id, name)),
      button(`Export ${name}`, 'export', () => this.#events.export(id)),
      button(`Delete ${name}`, 'delete', () => this.#remove(id, name))));
  }

  async #rename(id, name) {
    const title = await ask({ title: 'Rename conversation', value: name, confirm: 'Rename' });
    if (title) this.#events.rename(id, title);
  }

  async #remove(id, name) {
    if (await ask({ title: 'Delete conversation?', text: `“${name}” cannot be brought back.`, confirm: 'Delete' })) this.#events.remove(id);
  }
}
