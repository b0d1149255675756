import { PageError, streamChat } from './api.js';
import { newTurn, requestMessages } from './conversation.js';
import { runTool } from './tools.js';

// A model that calls tools again and again gets no further.
const MOST_TURNS = 8;

/**
 * Fills the last message of a conversation, an answer that has just begun: asks, runs the tools that the model calls, and asks again with
 * their results. Never throws; how it ended is in the message.
 * @param changed called after every change.
 */
export async function answer(conversation, settings, signal, changed) {
  const message = conversation.messages.at(-1);
  try {
    do await runTurn(conversation.messages, message, settings, signal, changed);
    while (message.turns.at(-1).calls.length > 0);
    message.state = 'done';
  } catch (error) {
    const stopped = error.name === 'AbortError';
    message.state = stopped ? 'stopped' : 'failed';
    if (!stopped) message.error = errorOf(error);
  }
  changed();
}

async function runTurn(messages, message, settings, signal, changed) {
  if (message.turns.length === MOST_TURNS) throw new PageError(`The model called tools in ${MOST_TURNS} turns and gave no answer.`, 'Ask in another way, or switch the tools off in the settings.');
  const request = settings.request(requestMessages(messages, settings.system));
  const turn = newTurn();
  message.turns.push(turn);
  changed();
  for await (const chunk of streamChat(request, settings.apiKey, signal)) {
    take(chunk, turn);
    changed();
  }
  for (const call of turn.calls) call.result = runTool(call.name, call.arguments);
}

function take(chunk, turn) {
  if (chunk.usage) turn.usage = chunk.usage;
  if (chunk.timings) turn.timings = chunk.timings;
  const choice = chunk.choices?.[0];
  if (choice === undefined) return;
  turn.finish = choice.finish_reason ?? turn.finish;
  const { content, reasoning_content: reasoning, tool_calls: calls } = choice.delta ?? {};
  if (!content && !reasoning && !calls) return;
  turn.times.first ??= performance.now();
  turn.times.last = performance.now();
  if (reasoning) turn.reasoning += reasoning;
  if (content || calls) turn.times.answer ??= performance.now();
  if (content) turn.content += content;
  for (const part of calls ?? []) takeCall(part, turn.calls);
}

/** The first part of a call has its id and name, later ones bring more of its arguments. */
function takeCall({ index, id, function: called }, calls) {
  calls[index] ??= { id, name: '', arguments: '', result: null };
  calls[index].name += called?.name ?? '';
  calls[index].arguments += called?.arguments ?? '';
}

function errorOf(error) {
  if (error instanceof PageError) return { message: error.message, remedy: error.remedy };
  console.error(error);
  return { message: `The answer could not be read: ${error.message}`, remedy: 'Try again.' };
}
