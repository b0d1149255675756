import { byId } from './dom.js';
import { TOOLS } from './tools.js';

const KEY = 'qwen3next.settings';
const API_KEY = 'qwen3next.key';

/** Members of a request that are numbers; those left empty are not sent, and the server's defaults hold. */
const NUMBERS = ['temperature', 'top_p', 'top_k', 'presence_penalty', 'max_tokens', 'thinking_budget', 'seed'];

/** What the person has set, with the dialog that changes it. Kept in the browser; the API key only until the tab is closed. */
export class Settings {
  #dialog = byId('settings');
  #form = byId('settings-form');
  #values;
  #model;

  /** @param model the one that is asked. @param changed called when the dialog has changed something. */
  constructor(model, changed) {
    this.#model = model;
    this.#values = stored();
    this.#fill();
    byId('open-settings').addEventListener('click', () => this.open());
    byId('reset-settings').addEventListener('click', () => {
      this.#form.reset();
      this.#read();
    });
    this.#form.addEventListener('input', () => this.#read());
    this.#dialog.addEventListener('close', () => {
      this.#fill();
      changed();
    });
  }

  open() {
    this.#dialog.showModal();
  }

  get system() {
    return this.#values.system?.trim() ?? '';
  }

  get apiKey() {
    return sessionStorage.getItem(API_KEY) ?? '';
  }

  /** The body of a request for an answer to these messages. */
  request(messages) {
    const request = { messages };
    if (this.#model.id !== null) request.model = this.#model.id;
    for (const name of NUMBERS) {
      if (this.#values[name] !== undefined && this.#values[name] !== '') request[name] = Number(this.#values[name]);
    }
    if (this.#values.thinking) request.chat_template_kwargs = { enable_thinking: this.#values.thinking === 'on' };
    if (this.#values.tools !== false) request.tools = TOOLS;
    return request;
  }

  /** Takes over what is valid; the browser marks what is not. */
  #read() {
    for (const field of this.#form.elements) {
      if (!field.name || !field.validity.valid) continue;
      if (field.name === 'api_key') sessionStorage.setItem(API_KEY, field.value.trim());
      else this.#values[field.name] = field.type === 'checkbox' ? field.checked : field.value;
    }
    localStorage.setItem(KEY, JSON.stringify(this.#values));
  }

  #fill() {
    for (const field of this.#form.elements) {
      if (!field.name) continue;
      const value = field.name === 'api_key' ? this.apiKey : this.#values[field.name];
      if (value === undefined) continue;
      if (field.type === 'checkbox') field.checked = value;
      else field.value = value;
    }
  }
}

function stored() {
  try {
    return { ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return {};
  }
}
