import { answer } from './answer.js';
import { newAnswer } from './conversation.js';

// Milliseconds between two showings of an answer that arrives: often enough to look smooth, and without regard to the number of tokens.
const PAUSE = 40;

/** Answers that are being written, at most one for each conversation; they go on when another conversation is shown. */
export class Runs {
  #running = new Map();
  #settings;
  #changed;

  /** @param changed called with conversation and answer, now and then while it is written, and at its end. */
  constructor(settings, changed) {
    this.#settings = settings;
    this.#changed = changed;
  }

  has(conversation) {
    return this.#running.has(conversation.id);
  }

  /** Those with an answer that is being written. */
  get conversations() {
    return [...this.#running.values()].map(run => run.conversation);
  }

  stop(conversation) {
    this.#running.get(conversation.id)?.controller.abort();
  }

  /** Adds an answer to a conversation and has it written. */
  async start(conversation) {
    const message = newAnswer();
    const controller = new AbortController();
    conversation.messages.push(message);
    this.#running.set(conversation.id, { conversation, controller });
    let timer = null;
    const show = () => {
      timer = null;
      this.#changed(conversation, message);
    };
    await answer(conversation, this.#settings, controller.signal, () => { timer ??= setTimeout(show, PAUSE); });
    clearTimeout(timer);
    this.#running.delete(conversation.id);
    this.#changed(conversation, message);
  }
}
