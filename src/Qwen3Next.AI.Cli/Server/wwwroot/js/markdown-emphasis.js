// Emphasis nested deeper stays text.
const DEEPEST = 16;

/** Pairs runs of `*`, `_` and `~~` among tokens and gives nodes; runs without a partner become text. */
export function emphasised(tokens) {
  const emphasis = new Emphasis();
  for (const token of tokens) emphasis.add(token);
  return asText(emphasis.nodes);
}

class Emphasis {
  nodes = [];
  #openers = [];
  #waiting = { '*': 0, _: 0, '~': 0 };

  add(token) {
    if (token.type === 'mark') {
      while (token.closes && token.length > 0 && this.#waiting[token.mark] > 0) this.#wrap(token);
      if (token.length === 0) return;
      if (token.opens) {
        this.#openers.push({ mark: token.mark, index: this.nodes.length });
        this.#waiting[token.mark]++;
      }
    }
    this.nodes.push(token);
  }

  /** Puts all since the nearest opener of the same kind into one node; openers of other kinds in between stay text. */
  #wrap(token) {
    const found = this.#openers.findLastIndex(opener => opener.mark === token.mark);
    const { index } = this.#openers[found];
    const opener = this.nodes[index];
    const children = this.nodes.splice(index + 1);
    const depth = 1 + children.reduce((most, child) => Math.max(most, child.depth ?? 0), 0);
    if (depth > DEEPEST) {
      this.nodes.push(...children);
      return this.#keepOpeners(0);
    }
    const width = Math.min(opener.length, token.length, 2);
    opener.length -= width;
    token.length -= width;
    if (opener.length === 0) this.nodes.pop();
    this.#keepOpeners(opener.length === 0 ? found : found + 1);
    this.nodes.push({ type: token.mark === '~' ? 'del' : width === 2 ? 'strong' : 'em', depth, children: asText(children) });
  }

  #keepOpeners(count) {
    for (const { mark } of this.#openers.splice(count)) this.#waiting[mark]--;
  }
}

const asText = nodes => nodes.map(node => node.type === 'mark' ? { type: 'text', text: node.mark.repeat(node.length) } : node);
