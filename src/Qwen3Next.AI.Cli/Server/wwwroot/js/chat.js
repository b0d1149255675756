import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { answerText, titleOf, userMessage } from './conversation.js';
import { exportConversation } from './export.js';
import { Meters } from './meters.js';
import { notify } from './notice.js';
import { Runs } from './runs.js';
import { Sidebar } from './sidebar.js';
import * as store from './store.js';
import { Transcript } from './transcript.js';

// Milliseconds between two savings of an answer that arrives: a page that is closed loses no more.
const SAVE_PAUSE = 1000;

/** The page: which conversation is shown, and what its buttons do. */
export class Chat {
  #model;
  #conversations = store.loadConversations();
  #current;
  #editing = null; // the message of the current conversation that will be replaced
  #saved = 0;
  #leaving = false;
  #announcer = new Announcer();
  #meters = new Meters();
  #transcript = new Transcript({ regenerate: message => this.#regenerate(message), edit: message => this.#edit(message) });
  #composer;
  #sidebar;
  #runs;

  constructor(settings, model) {
    this.#model = model;
    this.#runs = new Runs(settings, (conversation, message) => this.#answerChanged(conversation, message));
    this.#composer = new Composer({
      send: (text, attachments) => this.send(text, attachments),
      stop: () => this.stop(),
      cancelEdit: () => this.#cancelEdit(),
      failed: notify,
      apiKey: () => settings.apiKey,
    });
    this.#sidebar = new Sidebar({
      open: id => this.#open(this.#find(id)),
      create: () => this.create(),
      rename: (id, title) => this.#rename(id, title),
      remove: id => this.#remove(id),
      export: id => exportConversation(this.#find(id), settings.system),
    });
    store.onOtherTab(id => this.#takeOver(id));
    for (const event of ['beforeunload', 'pagehide']) addEventListener(event, () => this.#leave());
    this.create();
    if (this.#conversations.length > 0) this.#open(this.#conversations[0]);
  }

  /** A new conversation is kept with its first message. */
  create() {
    this.#open(store.newConversation());
  }

  send(text, attachments) {
    const conversation = this.#current;
    if (this.#editing !== null) conversation.messages.length = conversation.messages.indexOf(this.#editing);
    const message = userMessage(text, attachments);
    conversation.messages.push(message);
    conversation.title ||= titleOf(message);
    conversation.updated = Date.now();
    if (!this.#conversations.includes(conversation)) this.#conversations.unshift(conversation);
    if (this.#editing !== null) this.#open(conversation);
    else this.#transcript.update(message);
    this.#transcript.toEnd();
    this.#start();
  }

  stop() {
    this.#runs.stop(this.#current);
  }

  /** What Esc does, the nearest first. */
  escape() {
    if (this.#sidebar.isOpen) this.#sidebar.close();
    else if (this.#runs.has(this.#current)) this.stop();
    else if (this.#editing !== null) this.#cancelEdit();
  }

  refresh() {
    this.#meters.show(this.#current, this.#model.room);
  }

  /** Keeps what has come when the page is closed; that its connections break then is no failure of the answers. */
  #leave() {
    for (const conversation of this.#runs.conversations) this.#save(conversation);
    this.#leaving = true;
    setTimeout(() => { this.#leaving = false; }, SAVE_PAUSE);
  }

  #start() {
    this.#announcer.begin();
    this.#runs.start(this.#current);
    this.#transcript.update(this.#current.messages.at(-1));
    this.#save(this.#current);
    this.#composer.running = true;
    this.#showList();
  }

  #answerChanged(conversation, message) {
    const running = this.#runs.has(conversation);
    if (conversation === this.#current) {
      this.#transcript.update(message);
      this.#announcer.grow(answerText(message), !running);
      this.#composer.running = running;
      if (!running) {
        this.refresh();
        this.#announcer.say({ done: 'End of the answer.', stopped: 'Stopped.', failed: '' }[message.state]);
      }
    }
    if (!running || Date.now() - this.#saved > SAVE_PAUSE) this.#save(conversation);
  }

  #save(conversation) {
    if (this.#leaving) return;
    this.#saved = Date.now();
    if (!this.#conversations.includes(conversation) || store.saveConversation(conversation)) return;
    notify({
      message: `The browser’s room for conversations is full (${store.usedCharacters().toLocaleString()} of ${store.MOST_CHARACTERS.toLocaleString()} characters).`,
      remedy: 'This conversation is lost when the page is closed: export it, or delete others.',
    });
  }

  #open(conversation) {
    this.#current = conversation;
    this.#editing = null;
    this.#announcer.begin(this.#runs.has(conversation) ? answerText(conversation.messages.at(-1)) : '');
    this.#transcript.show(conversation);
    this.#composer.fill({ text: '', attachments: [] }, false);
    this.#composer.running = this.#runs.has(conversation);
    this.#showList();
    this.refresh();
  }

  #edit(message) {
    if (this.#runs.has(this.#current)) return;
    this.#editing = message;
    this.#composer.fill(message, true);
  }

  #cancelEdit() {
    this.#editing = null;
    this.#composer.fill({ text: '', attachments: [] }, false);
  }

  /** An answer in the middle is asked for again without what followed it. */
  #regenerate(message) {
    if (this.#runs.has(this.#current)) return;
    this.#current.messages.length = this.#current.messages.indexOf(message);
    this.#open(this.#current);
    this.#start();
  }

  #rename(id, title) {
    const conversation = this.#find(id);
    conversation.title = title;
    this.#save(conversation);
    this.#showList();
  }

  #remove(id) {
    this.#runs.stop(this.#find(id));
    this.#conversations = this.#conversations.filter(conversation => conversation.id !== id);
    store.removeConversation(id);
    if (this.#current.id === id) this.create();
    else this.#showList();
  }

  /** Another tab has changed a conversation. What runs here stays as it is here, and what is being written stays too. */
  #takeOver(id) {
    if (this.#runs.conversations.some(conversation => conversation.id === id)) return;
    const changed = store.loadConversation(id);
    const others = this.#conversations.filter(conversation => conversation.id !== id);
    this.#conversations = [...others, ...(changed ? [changed] : [])].sort((a, b) => b.updated - a.updated);
    if (this.#current.id === id) {
      if (this.#editing !== null) this.#cancelEdit();
      this.#current = changed ?? store.newConversation();
      this.#transcript.show(this.#current);
      this.refresh();
    }
    this.#showList();
  }

  #showList() {
    this.#sidebar.show(this.#conversations, this.#current.id);
  }

  #find(id) {
    return this.#conversations.find(conversation => conversation.id === id);
  }
}
