/* Runs before the page is painted, so that it never flashes in the other colors. Without a choice the system's holds. */
(() => {
  const key = 'qwen3next.theme';
  const root = document.documentElement;
  const stored = localStorage.getItem(key);
  if (stored === 'light' || stored === 'dark') root.dataset.theme = stored;

  addEventListener('DOMContentLoaded', () => document.getElementById('theme').addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem(key, root.dataset.theme);
  }));
})();
