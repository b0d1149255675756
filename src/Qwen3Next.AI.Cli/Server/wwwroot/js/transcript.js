import { AnswerView } from './answer-view.js';
import { button, byId, element } from './dom.js';

// Pixels from its end: within the first the transcript follows what is added, beyond the second it no longer does.
const AT_END = 4;
const AWAY = 80;

const PREVIEW = 2000;

/** The messages of the conversation that is shown. */
export class Transcript {
  #node = byId('transcript');
  #scroller = byId('scroller');
  #welcome = byId('welcome');
  #latest = byId('to-latest');
  #actions;
  #views = new Map();
  #following = true;

  /** @param actions {regenerate, edit}, called with a message. */
  constructor(actions) {
    this.#actions = actions;
    this.#scroller.addEventListener('scroll', () => this.#scrolled());
    this.#scroller.addEventListener('wheel', event => {
      if (event.deltaY < 0) this.#follow(false);
    }, { passive: true });
    this.#latest.addEventListener('click', () => this.toEnd());
  }

  show(conversation) {
    this.#views.clear();
    this.#node.replaceChildren();
    this.#welcome.hidden = conversation.messages.length > 0;
    for (const message of conversation.messages) this.#add(message);
    this.toEnd();
  }

  /** Shows the state of one message, which may be new. */
  update(message) {
    if (!this.#views.has(message)) this.#add(message);
    this.#views.get(message)?.update();
    if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else this.#latest.hidden = false;
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#follow(true);
  }

  #scrolled() {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
    if (fromEnd <= AT_END || fromEnd > AWAY) this.#follow(fromEnd <= AT_END);
  }

  #follow(following) {
    this.#following = following;
    if (following) this.#latest.hidden = true;
  }

  #add(message) {
    this.#welcome.hidden = true;
    if (message.role === 'user') {
      this.#views.set(message, null);
      this.#node.append(questionNode(message, this.#actions));
      return;
    }
    const view = new AnswerView(message, this.#actions);
    this.#views.set(message, view);
    this.#node.append(view.node);
  }
}

function questionNode(message, { edit }) {
  return element('article', { class: 'message question', 'aria-label': 'Your message' },
    element('div', { class: 'bubble' },
      ...message.attachments.map(attachmentNode),
      message.text === '' ? null : element('p', {}, message.text)),
    element('div', { class: 'actions' }, button('Edit and send again', 'edit', () => edit(message))));
}

function attachmentNode({ name, text, pages }) {
  const size = `${pages ? `${pages} ${pages === 1 ? 'page' : 'pages'}, ` : ''}${text.length.toLocaleString()} characters`;
  const rest = text.length > PREVIEW ? `\n… and ${(text.length - PREVIEW).toLocaleString()} characters more` : '';
  return element('details', { class: 'attachment' }, element('summary', {}, element('span', { class: 'name' }, name), ` ${size}`),
    element('pre', { tabindex: 0, role: 'group', 'aria-label': name }, text.slice(0, PREVIEW) + rest));
}
