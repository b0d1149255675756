import { evaluate } from './arithmetic.js';

/** The tools of the page, as the model is told of them. Names, descriptions and schemas are those that the bundled model was trained on. */
export const TOOLS = [
  tool('get_current_time', 'Gets the current date and time.', { type: 'object', properties: {} }),
  tool('calculate', 'Evaluates an arithmetic expression.', {
    type: 'object',
    properties: { expression: { type: 'string', description: 'The expression, for example (2 + 3) * 4.' } },
    required: ['expression'],
  }),
];

function tool(name, description, parameters) {
  return { type: 'function', function: { name, description, parameters } };
}

/** The result of a call as text. A mistake of the model is a result too, which it may correct. */
export function runTool(name, argumentText) {
  try {
    const given = JSON.parse(argumentText || '{}');
    switch (name) {
      case 'get_current_time': return timeText(new Date());
      case 'calculate':
        if (given.expression === undefined) return "error: The argument 'expression' is missing.";
        return evaluate(String(given.expression));
      default: return `error: There is no tool '${name}'.`;
    }
  } catch (error) {
    return `error: ${error.message}`;
  }
}

function timeText(now) {
  const two = number => String(number).padStart(2, '0');
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${date} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())} (${now.toLocaleDateString('en', { weekday: 'long' })})`;
}
