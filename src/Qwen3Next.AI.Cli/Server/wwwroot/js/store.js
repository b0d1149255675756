/*
 * Conversations in the browser's storage, one entry each, so that two tabs never overwrite each other's. A conversation is
 * {id, title, updated, messages}; messages are those of conversation.js.
 */
const PREFIX = 'qwen3next.conversation.';

// Browsers give a site about five million characters; the rest is left for settings and for the answer that is being written.
export const MOST_CHARACTERS = 4_000_000;

// randomUUID is for pages of https and of this machine alone.
export const newConversation = () => ({ id: crypto.getRandomValues(new Uint32Array(4)).join('-'), title: '', updated: Date.now(), messages: [] });

/** All conversations, the latest first. An entry that is none is left out. */
export function loadConversations() {
  return keys().map(read).filter(conversation => conversation !== null).sort((a, b) => b.updated - a.updated);
}

/** One conversation; null where there is none of this id. */
export const loadConversation = id => read(PREFIX + id);

/** Keeps a conversation; false where there is no room for it. */
export function saveConversation(conversation) {
  const key = PREFIX + conversation.id;
  const text = JSON.stringify(conversation);
  if (usedCharacters() - (localStorage.getItem(key)?.length ?? 0) + text.length > MOST_CHARACTERS) return false;
  try {
    localStorage.setItem(key, text);
    return true;
  } catch (error) {
    if (error.name === 'QuotaExceededError') return false;
    throw error;
  }
}

export const removeConversation = id => localStorage.removeItem(PREFIX + id);

export const usedCharacters = () => keys().reduce((sum, key) => sum + localStorage.getItem(key).length, 0);

/** Calls back with the id of a conversation that another tab has changed or removed. */
export function onOtherTab(changed) {
  addEventListener('storage', ({ key }) => {
    if (key?.startsWith(PREFIX)) changed(key.slice(PREFIX.length));
  });
}

const keys = () => Object.keys(localStorage).filter(key => key.startsWith(PREFIX));

function read(key) {
  try {
    const conversation = JSON.parse(localStorage.getItem(key));
    const whole = PREFIX + conversation.id === key && typeof conversation.title === 'string' && Array.isArray(conversation.messages)
      && conversation.messages.every(message => message.role === 'user' ? typeof message.text === 'string' : Array.isArray(message.turns));
    return whole ? ended(conversation) : null;
  } catch {
    return null;
  }
}

/** An answer that was being written when its page was closed is one that was stopped. */
function ended(conversation) {
  for (const message of conversation.messages) {
    if (message.state === 'running') message.state = 'stopped';
  }
  return conversation;
}
