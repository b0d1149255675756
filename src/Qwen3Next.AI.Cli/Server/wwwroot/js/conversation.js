/*
 * Messages: {role: 'user', text, attachments: [{name, text, pages}]} and {role: 'assistant', state, error, turns}. An answer has several
 * turns where the model called tools: {reasoning, content, calls: [{id, name, arguments, result}], finish, usage, timings, times}: the server's
 * counts and milliseconds, and the page's own of the first, the answer's first and the last piece. Its state is 'running', 'done', 'stopped' or
 * 'failed'.
 */
export const userMessage = (text, attachments) => ({ role: 'user', text, attachments });

export const newAnswer = () => ({ role: 'assistant', state: 'running', error: null, turns: [] });

export const newTurn = () => ({ reasoning: '', content: '', calls: [], finish: null, usage: null, timings: null, times: { first: null, answer: null, last: null } });

export const answerText = ({ turns }) => turns.map(turn => turn.content).join('\n');

/** A title from the first words of a question. */
export function titleOf({ text, attachments }) {
  const line = (text.trim() || attachments[0]?.name || '').replace(/\s+/g, ' ');
  return line.length <= 48 ? line : `${line.slice(0, 48).replace(/\s+\S*$/, '')}…`;
}

/** The conversation in OpenAI's form. What a stopped answer had begun and not finished is left out. */
export function requestMessages(messages, system) {
  const history = messages.flatMap(message => message.role === 'user' ? [{ role: 'user', content: userContent(message) }] : message.turns.flatMap(turnMessages));
  return system ? [{ role: 'system', content: system }, ...history] : history;
}

/** Attachments stand before the question, so that questions about the same file begin alike and its tokens are computed once. */
function userContent({ text, attachments }) {
  return [...attachments.map(file => `${file.name}:\n\n${file.text.trim()}`), text].filter(part => part !== '').join('\n\n');
}

function turnMessages({ reasoning, content, calls }) {
  const finished = calls.filter(call => call.result !== null);
  if (content === '' && finished.length === 0) return [];
  const answer = { role: 'assistant', content };
  if (reasoning !== '') answer.reasoning_content = reasoning;
  if (finished.length > 0) answer.tool_calls = finished.map(call => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }));
  return [answer, ...finished.map(call => ({ role: 'tool', tool_call_id: call.id, content: call.result }))];
}

/** Counts and speed of an answer over all its turns; a member is null where the server did not tell. */
export function figuresOf({ turns }) {
  const used = turns.filter(turn => turn.usage !== null);
  if (used.length === 0) return null;
  const sum = value => used.reduce((total, turn) => total + (value(turn) ?? 0), 0);
  const last = used.at(-1).usage;
  const accepted = sum(turn => turn.usage.completion_tokens_details?.accepted_prediction_tokens);
  const drafts = accepted + sum(turn => turn.usage.completion_tokens_details?.rejected_prediction_tokens);
  // The first token of a turn comes with its prompt.
  const decoded = sum(turn => turn.usage.completion_tokens - 1);
  const seconds = sum(turn => turn.timings?.decode_ms) / 1000;
  return {
    tokens: sum(turn => turn.usage.completion_tokens),
    speed: seconds > 0 ? decoded / seconds : null,
    acceptance: drafts > 0 ? accepted / drafts : null,
    drafts,
    context: last.prompt_tokens + last.completion_tokens,
    prompt: last.prompt_tokens,
    cached: last.prompt_tokens_details?.cached_tokens ?? null,
  };
}
