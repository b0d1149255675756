import { byId, element } from './dom.js';

const KEPT = 5;

/** Reads an answer to a screen reader while it arrives: sentence by sentence, never token by token. */
export class Announcer {
  #node = byId('announcer');
  #spoken = 0;
  #inCode = false;

  /** @param text the part of the answer that is not read out. */
  begin(text = '') {
    this.#spoken = text.length;
    this.#inCode = false;
  }

  /** @param text the answer so far. @param whole whether it is complete; its rest is then read too. */
  grow(text, whole = false) {
    const sentences = [];
    for (let end = this.#end(text, whole); end > this.#spoken; end = this.#end(text, whole)) {
      sentences.push(this.#read(text.slice(this.#spoken, end)));
      this.#spoken = end;
    }
    this.say(sentences.join(' ').trim());
  }

  say(text) {
    if (text === '') return;
    this.#node.append(element('p', {}, text));
    while (this.#node.childElementCount > KEPT) this.#node.firstElementChild.remove();
  }

  /** Where the next sentence or line ends; the end of what was read where it has not arrived. */
  #end(text, whole) {
    const expression = this.#inCode ? /\n/g : /[.!?…:]["')\]*_]*\s|[。！？]|\n/g;
    expression.lastIndex = this.#spoken;
    const found = expression.exec(text);
    if (found !== null) return found.index + found[0].length;
    return whole ? text.length : this.#spoken;
  }

  /** Code is not read out, only that there is some. */
  #read(part) {
    if (/^\s*(?:`{3}|~{3})/.test(part)) {
      this.#inCode = !this.#inCode;
      return this.#inCode ? 'Code.' : '';
    }
    return this.#inCode ? '' : part.replace(/[*_`#>|]+/g, '').trim();
  }
}
