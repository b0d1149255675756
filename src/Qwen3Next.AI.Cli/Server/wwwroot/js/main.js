import { Chat } from './chat.js';
import { Model } from './model.js';
import { hideNotice, notify } from './notice.js';
import { Settings } from './settings.js';

const model = new Model();
const settings = new Settings(model, () => connect());
const chat = new Chat(settings, model);

async function connect() {
  try {
    await model.load(settings.apiKey);
    hideNotice();
    chat.refresh();
  } catch (error) {
    notify(error);
  }
}

for (const suggestion of document.querySelectorAll('.suggestion')) {
  suggestion.addEventListener('click', () => chat.send(suggestion.textContent.trim(), []));
}

// Dialogs close by themselves.
addEventListener('keydown', event => {
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) chat.escape();
});

connect();
