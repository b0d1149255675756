import { listModels } from './api.js';
import { byId } from './dom.js';

/** The server's chat model: the first that it lists. */
export class Model {
  id = null;

  /** Tokens that it can hold; null where the server does not tell. */
  room = null;

  /** Asks the server; throws what the page can show. */
  async load(apiKey) {
    const [model] = await listModels(apiKey);
    this.id = model?.id ?? null;
    this.room = model?.max_model_len ?? null;
    byId('model').textContent = this.id ?? '';
  }
}
