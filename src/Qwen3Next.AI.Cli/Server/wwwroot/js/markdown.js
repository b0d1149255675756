import { parseBlocks } from './markdown-blocks.js';
import { parseInline } from './markdown-inline.js';
import { copyButton, element } from './dom.js';

/**
 * Shows Markdown that is still arriving. Blocks that no further text can change keep their nodes, so that a selection in them stays and an
 * answer of any length costs only its last block. Built from nodes and text alone: there is no way from text to markup.
 */
export class MarkdownView {
  #root;
  #settled = 0; // characters whose nodes are final
  #open = []; // nodes of the text after them
  #shown = '';

  constructor(root) {
    this.#root = root;
  }

  /** Shows the whole text, which begins with the text of the call before. */
  update(text) {
    if (text === this.#shown) return;
    this.#shown = text;
    const rest = text.slice(this.#settled);
    const blocks = parseBlocks(rest);
    for (const node of this.#open) node.remove();
    const nodes = blocks.map(blockNode);
    this.#root.append(...nodes);

    // What is under the last complete line is certain; the line that is still arriving may turn out as anything.
    const starts = lineStarts(rest);
    const complete = rest.lastIndexOf('\n') + 1;
    const last = Math.max(0, blocks.findLastIndex(block => starts[block.line] < complete));
    this.#open = nodes.slice(last);
    if (last > 0) this.#settled += starts[blocks[last].line];
  }
}

function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function blockNode(block) {
  switch (block.type) {
    // The page has its own headings above; those of an answer begin at the third level.
    case 'heading': return element(`h${Math.min(6, block.level + 2)}`, {}, ...inline(block.text));
    case 'code': return codeNode(block);
    case 'quote': return element('blockquote', {}, ...block.blocks.map(blockNode));
    case 'list': return listNode(block);
    case 'table': return tableNode(block);
    case 'rule': return element('hr');
    default: return element('p', {}, ...inline(block.text));
  }
}

function codeNode({ language, text }) {
  const code = element('code', {}, text);
  return element('figure', { class: 'code' },
    element('figcaption', {}, element('span', {}, language || 'code'), copyButton('Copy code', () => text)),
    element('pre', { tabindex: 0, role: 'group', 'aria-label': `Code${language ? `, ${language}` : ''}` }, code));
}

function listNode({ ordered, first, loose, items }) {
  const content = blocks => blocks.flatMap(block => !loose && block.type === 'paragraph' ? inline(block.text) : [blockNode(block)]);
  return element(ordered ? 'ol' : 'ul', { start: ordered && first !== 1 ? first : null }, ...items.map(blocks => element('li', {}, ...content(blocks))));
}

function tableNode({ align, head, rows }) {
  const row = (name, cells) => element('tr', {}, ...cells.map((cell, i) => element(name, { class: `align-${align[i]}`, scope: name === 'th' ? 'col' : null }, ...inline(cell))));
  return element('div', { class: 'table', tabindex: 0, role: 'group', 'aria-label': 'Table' },
    element('table', {}, element('thead', {}, row('th', head)), element('tbody', {}, ...rows.map(cells => row('td', cells)))));
}

const inline = text => parseInline(text).map(node => inlineNode(node, false));

function inlineNode(node, inLink) {
  const children = within => node.children.map(child => inlineNode(child, within));
  switch (node.type) {
    case 'text': return node.text;
    case 'break': return element('br');
    case 'code': return element('code', {}, node.text);
    case 'link': return inLink ? element('span', {}, ...children(true)) : linkNode(node.href, children(true));
    // Fetching a picture would tell its host who reads what.
    case 'image': return inLink ? node.text : linkNode(node.href, [`Image: ${node.text || node.href}`]);
    default: return element(node.type, {}, ...children(inLink));
  }
}

function linkNode(href, children) {
  const address = safeAddress(href);
  if (address === null) return element('span', { class: 'dead-link', title: `Not a link: ${href}` }, ...children);
  return element('a', { href: address, title: address, target: '_blank', rel: 'noopener noreferrer' }, ...children);
}

/** Only whole addresses of the web and of mail are links; everything else, scripts and files of this server included, is text. */
function safeAddress(href) {
  const url = URL.canParse(href) ? new URL(href) : null;
  return url !== null && ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
}
