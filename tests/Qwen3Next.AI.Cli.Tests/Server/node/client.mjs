// Asks a server everything that OpenAI's client knows, and prints what came as one JSON object.
import OpenAI from "openai";

const [baseURL, model, embeddingModel] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const ask = (content, more = {}) => ({ model, messages: [{ role: "user", content }], temperature: 0, max_tokens: 200, ...more });
const found = {};

const whole = await client.chat.completions.create(ask("What is 2 + 2?"));
found.whole = { text: whole.choices[0].message.content, thoughts: whole.choices[0].message.reasoning_content, finish: whole.choices[0].finish_reason, usage: whole.usage };

const stream = client.chat.completions.stream(ask("What is 2 + 2?", { stream_options: { include_usage: true } }));
let thoughts = "";
for await (const chunk of stream) thoughts += chunk.choices[0]?.delta?.reasoning_content ?? "";
const last = await stream.finalChatCompletion();
found.streamed = { text: last.choices[0].message.content, thoughts, finish: last.choices[0].finish_reason, total: (await stream.totalUsage()).total_tokens };

// The client's own tool loop: it runs the function and sends the result back.
const asked = [];
const runner = client.chat.completions.runTools(ask("What is 37 * 12?", {
  tools: [{
    type: "function",
    function: {
      name: "calculate",
      description: "Evaluates an arithmetic expression.",
      parameters: { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] },
      parse: JSON.parse,
      function: ({ expression }) => { asked.push(expression); return "444"; },
    },
  }],
}));
found.tool = { text: await runner.finalContent(), asked };

const json = await client.chat.completions.create(ask("Hello!", {
  response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: { type: "object", properties: { word: { enum: ["yes", "no"] } }, required: ["word"], additionalProperties: false } } },
}));
found.json = JSON.parse(json.choices[0].message.content);

const text = await client.completions.create({ model, prompt: "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n", max_tokens: 5, temperature: 0, logprobs: 1 });
let pieces = "";
for await (const piece of await client.completions.create({ model, prompt: "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n", max_tokens: 5, temperature: 0, stream: true })) pieces += piece.choices[0].text;
found.text = { whole: text.choices[0].text, pieces, tokens: text.choices[0].logprobs.tokens, usage: text.usage };

const embeddings = await client.embeddings.create({ model: embeddingModel, input: ["Hello!", "Bye!"], dimensions: 8 });
const plain = await client.embeddings.create({ model: embeddingModel, input: "Hello!", dimensions: 8, encoding_format: "float" });
found.embeddings = { count: embeddings.data.length, same: embeddings.data[0].embedding.every((x, i) => Math.abs(x - plain.data[0].embedding[i]) < 1e-6) };

found.models = (await client.models.list()).data.map((card) => card.id);

try {
  await client.chat.completions.create({ ...ask("Hello!"), model: "gpt-4o" });
} catch (error) {
  found.error = { isNotFound: error instanceof OpenAI.NotFoundError, status: error.status, code: error.code, param: error.param };
}

const left = await client.chat.completions.create(ask("Count from 1 to 9.", { stream: true }));
for await (const _ of left) break; // leaving the loop closes the connection
console.log(JSON.stringify(found));
