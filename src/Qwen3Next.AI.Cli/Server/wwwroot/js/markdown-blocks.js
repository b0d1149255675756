/*
 * Markdown, first half: lines to blocks. The dialect is what language models write: headings with #, lists, quotes, fences, tables, rules.
 * Indented code and underlined headings are left out, as half-arrived text would flicker into them. HTML is text.
 *
 * Blocks: {type: 'paragraph', text}, {type: 'heading', level, text}, {type: 'code', language, text}, {type: 'quote', blocks}, {type: 'rule'},
 * {type: 'list', ordered, first, loose, items: [blocks]}, {type: 'table', align, head, rows}; those of the outermost level also have
 * `line`, the index of the line where they begin.
 */

// Deeper nesting is shown as text: it must exhaust neither the stack nor the width of the page.
const DEEPEST = 12;

// Each expression reads a line in time that grows with its length alone: no two parts that repeat can match the same characters.
const FENCE = /^\s*(`{3,}(?!.*`)|~{3,})(.*)$/;
const HEADING = /^\s*(#{1,6})(?:\s(.*))?$/;
const RULE = /^\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^\s*> ?/;
const ITEM = /^(\s*)([-*+]|(\d{1,9})[.)])(?:(\s+)|$)/;
const TABLE_RULE = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;

const isBlank = line => line.trim() === '';

export function parseBlocks(text) {
  return blocksOf(text.split('\n').map(line => line.endsWith('\r') ? line.slice(0, -1) : line), 0);
}

function blocksOf(lines, depth) {
  if (depth > DEEPEST) return [{ type: 'paragraph', text: lines.join('\n'), line: 0 }];
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    if (isBlank(lines[at])) at++;
    else {
      const [block, next] = blockAt(lines, at, depth);
      blocks.push({ ...block, line: at });
      at = next;
    }
  }
  return blocks;
}

/** The block that begins at a line, and the line after it. */
function blockAt(lines, at, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return fenceAt(lines, at);
  if (HEADING.test(line)) {
    const [, marks, text = ''] = HEADING.exec(line);
    return [{ type: 'heading', level: marks.length, text: withoutClosingMarks(text.trim()) }, at + 1];
  }
  if (RULE.test(line)) return [{ type: 'rule' }, at + 1];
  if (QUOTE.test(line)) return quoteAt(lines, at, depth);
  if (ITEM.test(line)) return listAt(lines, at, depth);
  if (isTable(lines, at)) return tableAt(lines, at);
  return paragraphAt(lines, at);
}

function withoutClosingMarks(text) {
  let end = text.length;
  while (text[end - 1] === '#') end--;
  return end === 0 || text[end - 1] === ' ' ? text.slice(0, end).trimEnd() : text;
}

/** Code runs to the closing fence, or, while that has not arrived, to the end. */
function fenceAt(lines, at) {
  const [, fence, info] = FENCE.exec(lines[at]);
  const indent = indentOf(lines[at]);
  const closing = new RegExp(`^\\s*${fence[0]}{${fence.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end])) end++;
  const text = lines.slice(at + 1, end).map(line => dedent(line, indent)).join('\n');
  return [{ type: 'code', language: info.trim().split(/\s/)[0], text }, end + 1];
}

function quoteAt(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  return [{ type: 'quote', blocks: blocksOf(lines.slice(at, end).map(line => line.replace(QUOTE, '')), depth + 1) }, end];
}

function listAt(lines, at, depth) {
  const [, , marker, number] = ITEM.exec(lines[at]);
  const kind = marker.at(-1);
  const list = { type: 'list', ordered: number !== undefined, first: Number(number ?? 1), loose: false, items: [] };
  let next = at;
  while (next < lines.length) {
    const match = ITEM.exec(lines[next]);
    if (match === null || match[2].at(-1) !== kind || RULE.test(lines[next])) break;
    const end = itemEnd(lines, next, match);
    const [first, ...rest] = lines.slice(next, end);
    const content = contentIndent(match);
    const item = [dedent(first.replace(match[2], ' '.repeat(match[2].length)), content), ...rest.map(line => dedent(line, content))];
    const blocks = blocksOf(item, depth + 1);
    list.items.push(blocks);
    list.loose ||= blocks.slice(1).some(block => isBlank(item[block.line - 1]));
    next = end;
    while (next < lines.length && isBlank(lines[next])) next++;
    if (next > end && next < lines.length && ITEM.exec(lines[next])?.[2].at(-1) === kind) list.loose = true;
  }
  return [list, next];
}

/** Lines of an item: those under its text, lists under it however little they are indented, and lines that go on with its paragraph. */
function itemEnd(lines, at, match) {
  const content = contentIndent(match);
  const own = indentOf(lines[at]);
  let end = at + 1;
  for (let next = at + 1; next < lines.length; next++) {
    const line = lines[next];
    if (isBlank(line)) continue;
    const indent = indentOf(line);
    const within = indent >= content || (indent >= own + 2 && ITEM.test(line));
    if (!within && (isBlank(lines[next - 1]) || ITEM.test(line) || beginsBlock(line))) break;
    end = next + 1;
  }
  return end;
}

const contentIndent = ([, before, marker, , after = ' ']) => columns(before) + marker.length + (after.length > 4 ? 1 : columns(after));

function isTable(lines, at) {
  return lines[at].includes('|') && at + 1 < lines.length && TABLE_RULE.test(lines[at + 1].trim()) && cellsOf(lines[at]).length === cellsOf(lines[at + 1]).length;
}

function tableAt(lines, at) {
  const head = cellsOf(lines[at]);
  const align = cellsOf(lines[at + 1]).map(cell => cell.endsWith(':') ? (cell.startsWith(':') ? 'center' : 'end') : 'start');
  const rows = [];
  let end = at + 2;
  for (; end < lines.length && !isBlank(lines[end]) && !beginsBlock(lines[end]); end++) {
    const cells = cellsOf(lines[end]);
    rows.push(head.map((_, i) => cells[i] ?? ''));
  }
  return [{ type: 'table', align, head, rows }, end];
}

/** A bar in a cell is written \|, which loses its backslash even in code. */
function cellsOf(line) {
  const cells = line.trim().replace(/^\|/, '').split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll('\\|', '|'));
  if (cells.length > 1 && cells.at(-1) === '') cells.pop();
  return cells;
}

function paragraphAt(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !beginsBlock(lines[end]) && !isTable(lines, end)) end++;
  return [{ type: 'paragraph', text: lines.slice(at, end).map(line => line.trimStart()).join('\n') }, end];
}

/** Whether a line ends a paragraph. A numbered line does so only with 1: text may wrap before "1999. ". */
function beginsBlock(line) {
  if (FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line)) return true;
  const item = ITEM.exec(line);
  return item !== null && item[4] !== undefined && (item[3] === undefined || Number(item[3]) === 1);
}

const columns = space => [...space].reduce((sum, c) => sum + (c === '\t' ? 4 : 1), 0);
const indentOf = line => columns(/^[ \t]*/.exec(line)[0]);

function dedent(line, count) {
  let at = 0;
  for (let column = 0; at < line.length && column < count && (line[at] === ' ' || line[at] === '\t'); at++) column += line[at] === '\t' ? 4 : 1;
  return line.slice(at);
}
