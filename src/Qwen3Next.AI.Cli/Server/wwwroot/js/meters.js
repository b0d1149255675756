import { figuresOf } from './conversation.js';
import { byId } from './dom.js';

/** How full the context is, and how much of the last prompt the server had computed before. */
export class Meters {
  #context = byId('context-meter');
  #cache = byId('cache-meter');

  /** @param room tokens that the model can hold; null where the server does not tell. */
  show(conversation, room) {
    const last = conversation.messages.findLast(message => message.role === 'assistant' && figuresOf(message) !== null);
    const figures = last === undefined ? null : figuresOf(last);
    byId('meters').hidden = figures === null;
    if (figures === null) return;
    const { context, prompt, cached } = figures;
    set(this.#context, room ? context / room : 0, room ? `${context.toLocaleString()} of ${room.toLocaleString()} tokens` : `${context.toLocaleString()} tokens`);
    this.#cache.hidden = cached === null;
    if (cached !== null) set(this.#cache, cached / prompt, `${cached.toLocaleString()} of ${prompt.toLocaleString()} prompt tokens`);
  }
}

function set(node, share, text) {
  const percent = Math.round(100 * Math.min(1, share));
  const meter = node.querySelector('[role=meter]');
  meter.setAttribute('aria-valuenow', String(percent));
  meter.setAttribute('aria-valuetext', text);
  meter.firstElementChild.style.width = `${percent}%`;
  node.querySelector('.value').textContent = text;
  node.classList.toggle('full', share > 0.9);
}
