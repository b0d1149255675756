/** A failure as the page shows it: what happened, and what to do about it. */
export class PageError extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

/** The models of the server: [{id, max_model_len}]. */
export async function listModels(apiKey) {
  const response = await send('v1/models', { headers: headers(apiKey) });
  return (await response.json()).data;
}

/** Text of a PDF file: {pages, text}. */
export async function readPdf(file, apiKey) {
  const response = await send('page/text', { method: 'POST', headers: { ...headers(apiKey), 'Content-Type': 'application/pdf' }, body: file });
  return response.json();
}

/** The chunks of a streamed answer. Throws when the stream ends before the server said that it is complete. */
export async function* streamChat(request, apiKey, signal) {
  const response = await send('v1/chat/completions', {
    method: 'POST',
    signal,
    headers: { ...headers(apiKey), 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
  });
  for await (const data of events(response.body)) {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new PageError(chunk.error.message, 'What had arrived is kept. Try again.');
    yield chunk;
  }
  throw new PageError('The connection ended before the answer was complete.', 'What had arrived is kept. Try again.');
}

const headers = apiKey => apiKey ? { Authorization: `Bearer ${apiKey}` } : {};

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new PageError('The server cannot be reached.', 'Check that qwen3next serve is running, then try again.');
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response) {
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `The server answered with status ${response.status}.`;
  return new PageError(message, remedy(response));
}

function remedy(response) {
  const seconds = response.headers.get('Retry-After');
  switch (response.status) {
    case 401: return 'Enter the server’s API key in the settings, then try again.';
    case 429:
    case 503: return seconds ? `The server is busy. Try again in ${seconds} seconds.` : 'The server is busy. Try again in a moment.';
    // What is wrong with a request, and what to change, is in its message.
    default: return response.status >= 500 ? 'Try again; the server’s log has the details.' : '';
  }
}

/** The data of server-sent events. */
async function* events(body) {
  let rest = '';
  let data = [];
  for await (const text of decoded(body)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines.map(each => each.replace(/\r$/, ''))) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
}

/** A connection that breaks ends the text; the caller sees that the last event is missing. */
async function* decoded(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error.name === 'AbortError') throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
}
