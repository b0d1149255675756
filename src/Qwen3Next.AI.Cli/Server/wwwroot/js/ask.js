import { byId } from './dom.js';

/**
 * Asks the person in a dialog: for a yes, or, with a `value`, for a text. Gives true or the text, and null when it was cancelled.
 */
export function ask({ title, text = '', value, confirm }) {
  const dialog = byId('ask');
  const input = byId('ask-value');
  byId('ask-title').textContent = title;
  byId('ask-text').textContent = text;
  byId('ask-confirm').textContent = confirm;
  byId('ask-field').hidden = value === undefined;
  input.required = value !== undefined;
  input.value = value ?? '';
  byId('ask-cancel').onclick = () => dialog.close('');
  dialog.returnValue = '';
  dialog.showModal();
  if (value !== undefined) input.select();
  return new Promise(resolve => dialog.addEventListener('close', () => {
    if (dialog.returnValue !== 'confirm') resolve(null);
    else resolve(value === undefined ? true : input.value.trim());
  }, { once: true }));
}
