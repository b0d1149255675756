import { answerText, figuresOf } from './conversation.js';
import { button, copyButton, element, icon } from './dom.js';
import { MarkdownView } from './markdown.js';

/** One answer with its thinking, tool calls, figures and actions; `update` shows what has come since. */
export class AnswerView {
  #message;
  #actions;
  #turns = [];
  #body = element('div', { class: 'turns' });
  #foot = element('div', { class: 'foot' });
  #state;

  /** @param actions {regenerate}, called with the message. */
  constructor(message, actions) {
    this.#message = message;
    this.node = element('article', { class: 'message answer', 'aria-label': 'Answer' }, this.#body, this.#foot);
    this.#actions = actions;
    this.update();
  }

  update() {
    const { turns, state } = this.#message;
    for (let i = this.#turns.length; i < turns.length; i++) {
      this.#turns.push(new TurnView());
      this.#body.append(this.#turns[i].node);
    }
    turns.forEach((turn, i) => this.#turns[i].update(turn, state === 'running' && i === turns.length - 1));
    if (state === this.#state) return;
    this.#state = state;
    this.node.setAttribute('aria-busy', String(state === 'running'));
    this.#foot.replaceChildren(...this.#footNodes());
  }

  #footNodes() {
    const { state, error, turns } = this.#message;
    if (state === 'running') return [element('span', { class: 'waiting' }, element('span', { class: 'visually-hidden' }, 'The model is working'))];
    const nodes = [];
    if (state === 'failed') nodes.push(errorNode(error, () => this.#actions.regenerate(this.#message)));
    if (state === 'stopped') nodes.push(noteNode('Stopped. What had arrived is kept.'));
    if (state === 'done' && turns.at(-1)?.finish === 'length') nodes.push(noteNode('Cut off at the most tokens an answer may have, or at the end of the context.'));
    const figures = figuresText(this.#message);
    const text = answerText(this.#message).trim();
    nodes.push(element('div', { class: 'actions' },
      text === '' ? null : copyButton('Copy answer', () => text),
      state === 'failed' ? null : button('Regenerate', 'again', () => this.#actions.regenerate(this.#message)),
      figures === null ? null : element('span', { class: 'figures' }, figures)));
    return nodes;
  }
}

class TurnView {
  #thinking = null;
  #text = null;
  #calls = new Map();
  #summary;
  #touched = false;

  node = element('div', { class: 'turn' });

  update(turn, running) {
    if (turn.reasoning !== '') this.#updateThinking(turn, running);
    if (turn.content !== '') {
      if (this.#text === null) {
        const text = element('div', { class: 'markdown' });
        this.node.append(text);
        this.#text = new MarkdownView(text);
      }
      this.#text.update(turn.content);
    }
    turn.calls.forEach((call, index) => this.#updateCall(index, call));
  }

  /** Thinking is open while it goes on and closed when the answer begins, unless the person has chosen. */
  #updateThinking({ reasoning, content, calls, times }, running) {
    const over = !running || content !== '' || calls.length > 0;
    if (this.#thinking === null) {
      this.#summary = element('span', {}, 'Thinking');
      const body = element('div', { class: 'markdown' });
      const details = element('details', { class: 'thinking', open: !over },
        element('summary', { onclick: () => { this.#touched = true; } }, icon('chevron'), this.#summary), body);
      this.node.prepend(details);
      this.#thinking = { details, view: new MarkdownView(body), over: false };
    }
    this.#thinking.view.update(reasoning);
    if (!over || this.#thinking.over) return;
    this.#thinking.over = true;
    const seconds = ((times.answer ?? times.last) - times.first) / 1000;
    this.#summary.textContent = seconds < 0.1 ? 'Thoughts' : `Thought for ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
    if (!this.#touched) this.#thinking.details.open = false;
  }

  /** The whole call is in the details; its line shows as much as has room. */
  #updateCall(index, call) {
    const shown = `${call.name}\n${call.arguments}\n${call.result}`;
    if (this.#calls.get(index)?.shown === shown) return;
    const node = element('details', { class: 'call', open: this.#calls.get(index)?.node.open ?? false },
      element('summary', {}, icon('tool'), element('span', { class: 'call-name' }, call.name),
        element('code', { class: 'call-line' }, argumentsText(call.arguments)),
        call.result === null ? null : element('code', { class: 'call-result' }, call.result)),
      element('dl', {}, element('dt', {}, 'Arguments'), element('dd', {}, element('pre', {}, call.arguments || '{}')),
        element('dt', {}, 'Result'), element('dd', {}, element('pre', {}, call.result ?? 'none yet'))));
    if (this.#calls.has(index)) this.#calls.get(index).node.replaceWith(node);
    else this.node.append(node);
    this.#calls.set(index, { node, shown });
  }
}

/** `expression: "37 * 12"` of the arguments in JSON; the text itself while they are no whole object yet. */
function argumentsText(json) {
  try {
    return Object.entries(JSON.parse(json || '{}')).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');
  } catch {
    return json;
  }
}

function figuresText(message) {
  const figures = figuresOf(message);
  if (figures === null) return null;
  const parts = [`${figures.tokens.toLocaleString()} tokens`];
  if (figures.speed !== null) parts.push(`${figures.speed.toFixed(figures.speed < 10 ? 1 : 0)} tokens/s`);
  if (figures.acceptance !== null) parts.push(`${Math.round(100 * figures.acceptance)} % of ${figures.drafts.toLocaleString()} drafts right`);
  return parts.join(' · ');
}

const noteNode = text => element('p', { class: 'note' }, text);

function errorNode({ message, remedy }, retry) {
  return element('div', { class: 'error', role: 'alert' },
    element('p', {}, element('strong', {}, message), ' ', remedy),
    button('Try again', 'again', retry, { text: true }));
}
