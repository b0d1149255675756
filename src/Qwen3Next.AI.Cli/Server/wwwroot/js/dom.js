const SVG = 'http://www.w3.org/2000/svg';

/**
 * Builds an element. Children are nodes or text; text becomes a text node, so that nothing a model or a file says can become markup.
 * An attribute that is null or false is left out; `onclick` and the like are listeners.
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : String(value));
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

/** A picture of the sprite in icons.svg; silent for screen readers, which read the button's name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A button with a picture, and with a name that is shown when `text` is set and only read out otherwise. */
export function button(label, iconName, onclick, { text = false, ...attributes } = {}) {
  return element('button', { type: 'button', class: text ? 'button' : 'icon-button', 'aria-label': text ? null : label, title: text ? null : label, onclick, ...attributes },
    icon(iconName), text ? label : null);
}

/** A button that copies a text and says so; null where the browser does not let pages copy, as on plain http from another machine. */
export function copyButton(label, text) {
  if (!navigator.clipboard) return null;
  const node = button(label, 'copy', async () => {
    await navigator.clipboard.writeText(text());
    node.replaceChildren(icon('check'));
    node.setAttribute('aria-label', 'Copied');
    setTimeout(() => {
      node.replaceChildren(icon('copy'));
      node.setAttribute('aria-label', label);
    }, 1500);
  });
  return node;
}

/** The element of the page with this id. */
export const byId = id => document.getElementById(id);
