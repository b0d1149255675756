import { requestMessages } from './conversation.js';
import { element } from './dom.js';
import { TOOLS } from './tools.js';

/** Downloads a conversation as a file that `qwen3next render` reads too. */
export function exportConversation({ title, messages }, system) {
  const text = JSON.stringify({ title, messages: requestMessages(messages, system), tools: TOOLS }, null, 2);
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  element('a', { href: address, download: `${title.replace(/[^\p{L}\p{N} -]+/gu, '').trim() || 'conversation'}.json` }).click();
  URL.revokeObjectURL(address);
}
