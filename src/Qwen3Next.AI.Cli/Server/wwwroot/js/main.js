import { Chat } from './chat.js';
import { byId } from './dom.js';
import { Model } from './model.js';
import { Settings } from './settings.js';

const model = new Model();
const settings = new Settings(model, () => connect());
const chat = new Chat(settings, model);

async function connect() {
  try {
    await model.load(settings.apiKey);
    byId('notice').hidden = true;
    chat.refresh();
  } catch (error) {
    chat.fail(error);
  }
}

for (const suggestion of document.querySelectorAll('.suggestion')) {
  suggestion.addEventListener('click', () => chat.send(suggestion.textContent.trim(), []));
}

byId('close-notice').addEventListener('click', () => {
  byId('notice').hidden = true;
  byId('message').focus();
});

// Esc closes what is open first; dialogs do that by themselves.
addEventListener('keydown', event => {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (!chat.stop()) chat.closeOverlays();
});

connect();
