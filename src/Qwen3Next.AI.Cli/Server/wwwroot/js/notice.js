import { byId } from './dom.js';

const NODE = byId('notice');

byId('close-notice').addEventListener('click', () => {
  hideNotice();
  byId('message').focus();
});

/** A message above everything, until it is closed. */
export function notify({ message, remedy = '' }) {
  byId('notice-text').textContent = `${message} ${remedy}`;
  NODE.hidden = false;
}

export function hideNotice() {
  NODE.hidden = true;
}
