/*
 * Markdown, second half: the text of a block to nodes {type: 'text' | 'code', text}, {type: 'strong' | 'em' | 'del', children},
 * {type: 'link', href, children}, {type: 'image', href, text} and {type: 'break'}. One pass over the text, and every token is moved a
 * bounded number of times: hostile text costs no more than other text.
 */
import { emphasised } from './markdown-emphasis.js';

const PLAIN = /[^\\`<[\]!*_~&\nh]+/y;
const TARGET = /\(\s*(?:<([^<>\n]*)>|([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*))(?:\s+"[^"]*")?\s*\)/y;
const AUTOLINK = /<((?:https?:\/\/|mailto:)[^\s<>]+)>/y;
const BARE_LINK = /https?:\/\/[^\s<>"`*[\]]{1,2000}/y;
const LINE_BREAK = /<br ?\/?>/iy;
const ENTITY = /&(amp|lt|gt|quot|apos|nbsp);/y;
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };
const PUNCTUATION = /[\p{P}\p{S}]/u;

function match(expression, text, at) {
  expression.lastIndex = at;
  return expression.exec(text);
}

export function parseInline(text) {
  return new InlineParser(text).parse();
}

class InlineParser {
  #text;
  #at = 0;
  #tokens = [];
  #brackets = [];
  #codeEnds;

  constructor(text) {
    this.#text = text;
  }

  parse() {
    while (this.#at < this.#text.length) this.#step();
    return emphasised(this.#tokens);
  }

  #step() {
    const text = this.#text;
    const plain = match(PLAIN, text, this.#at);
    if (plain !== null) return this.#take(plain[0].length, { type: 'text', text: plain[0] });
    switch (text[this.#at]) {
      case '\\': return this.#escape();
      case '`': return this.#code();
      case '<': return this.#angle();
      case 'h': return this.#bareLink();
      case '&': return this.#entity();
      case '!': return text[this.#at + 1] === '[' ? this.#open(2, true) : this.#literal();
      case '[': return this.#open(1, false);
      case ']': return this.#close();
      case '\n': return this.#lineEnd();
      default: return this.#delimiters();
    }
  }

  #take(length, token) {
    this.#tokens.push(token);
    this.#at += length;
  }

  #literal(length = 1) {
    this.#take(length, { type: 'text', text: this.#text.slice(this.#at, this.#at + length) });
  }

  #escape() {
    const next = this.#text[this.#at + 1];
    if (next === '\n') this.#take(2, { type: 'break' });
    else if (next !== undefined && /[!-/:-@[-`{-~]/.test(next)) this.#take(2, { type: 'text', text: next });
    else this.#literal();
  }

  #code() {
    const length = runLength(this.#text, this.#at);
    this.#codeEnds ??= backtickRuns(this.#text);
    const ends = this.#codeEnds.get(length) ?? [];
    while (ends.length > 0 && ends.at(-1) <= this.#at) ends.pop();
    if (ends.length === 0) return this.#literal(length);
    const end = ends.at(-1);
    const inside = this.#text.slice(this.#at + length, end).replaceAll('\n', ' ');
    const padded = inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== '';
    this.#take(end + length - this.#at, { type: 'code', text: padded ? inside.slice(1, -1) : inside });
  }

  /** An address in angle brackets or a line break; other HTML is text. */
  #angle() {
    const link = match(AUTOLINK, this.#text, this.#at);
    if (link !== null) return this.#take(link[0].length, { type: 'link', href: link[1], children: [{ type: 'text', text: link[1] }] });
    const br = match(LINE_BREAK, this.#text, this.#at);
    return br !== null ? this.#take(br[0].length, { type: 'break' }) : this.#literal();
  }

  #bareLink() {
    const found = /\w/.test(this.#text[this.#at - 1] ?? '') ? null : match(BARE_LINK, this.#text, this.#at);
    if (found === null) return this.#literal();
    // Signs at its end belong to the sentence; so does a parenthesis that was opened before it.
    let href = found[0];
    while (/[.,:;!?'_~]$/.test(href) || (href.endsWith(')') && !href.includes('('))) href = href.slice(0, -1);
    this.#take(href.length, { type: 'link', href, children: [{ type: 'text', text: href }] });
  }

  #entity() {
    const found = match(ENTITY, this.#text, this.#at);
    if (found === null) this.#literal();
    else this.#take(found[0].length, { type: 'text', text: ENTITIES[found[1]] });
  }

  #lineEnd() {
    const before = this.#tokens.at(-1);
    this.#take(1, before?.type === 'text' && before.text.endsWith('  ') ? { type: 'break' } : { type: 'text', text: '\n' });
  }

  #open(length, image) {
    this.#brackets.push({ index: this.#tokens.length, image });
    this.#literal(length);
  }

  /** A closing bracket makes a link or an image of all since the opening one, where a target follows. */
  #close() {
    const open = this.#brackets.pop();
    const target = open === undefined ? null : match(TARGET, this.#text, this.#at + 1);
    if (target === null) return this.#literal();
    const children = emphasised(this.#tokens.splice(open.index).slice(1));
    const href = target[1] ?? target[2];
    if (!open.image) this.#brackets = []; // a link lies in no other link
    this.#take(1 + target[0].length, open.image ? { type: 'image', href, text: plainText(children) } : { type: 'link', href, children });
  }

  #delimiters() {
    const length = runLength(this.#text, this.#at);
    const mark = this.#text[this.#at];
    const [before, after] = [this.#text[this.#at - 1] ?? ' ', this.#text[this.#at + length] ?? ' '];
    const opens = !/\s/.test(after) && (!PUNCTUATION.test(after) || /\s/.test(before) || PUNCTUATION.test(before));
    const closes = !/\s/.test(before) && (!PUNCTUATION.test(before) || /\s/.test(after) || PUNCTUATION.test(after));
    // snake_case is a name, not emphasis.
    const inWord = mark === '_' && opens && closes && !PUNCTUATION.test(before) && !PUNCTUATION.test(after);
    const known = !inWord && (mark !== '~' || length === 2);
    this.#take(length, { type: 'mark', mark, length, opens: opens && known, closes: closes && known });
  }
}

function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end++;
  return end - at;
}

/** Where runs of backticks begin, by their length, the last one first. */
function backtickRuns(text) {
  const runs = new Map();
  for (const { 0: run, index } of [...text.matchAll(/`+/g)].reverse()) {
    if (!runs.has(run.length)) runs.set(run.length, []);
    runs.get(run.length).push(index);
  }
  return runs;
}

const plainText = nodes => nodes.map(node => node.text ?? (node.children ? plainText(node.children) : ' ')).join('');
