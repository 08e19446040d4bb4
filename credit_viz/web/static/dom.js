/**
 * Building elements. Text always becomes a text node, so no token or prompt can turn into markup.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * h("button", {class: "play", onclick: play, ariaLabel: "Play"}, "text", child)
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `on...` are listeners, `data` is the dataset, the rest attributes
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Replace an element's children. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  const nodes = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...nodes.map((child) => (child instanceof Node ? child : String(child))));
}

/**
 * Replace an element's children, and put the focus back on the one with the same `data-key` or, where that is gone, on
 * the last that has one.
 * @param {Element} element @param {...(Child | Child[])} children
 */
export function refill(element, ...children) {
  const active = /** @type {HTMLElement | null} */ (document.activeElement);
  const key = element.contains(active) ? active?.dataset.key : undefined;
  fill(element, ...children);
  if (key === undefined) return;
  const keyed = /** @type {HTMLElement[]} */ ([...element.querySelectorAll("[data-key]")]);
  (keyed.find((other) => other.dataset.key === key) ?? keyed.at(-1))?.focus({ preventScroll: true });
}

/** Set text only when it differs: writing the same text still costs a layout. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A word with the field's term behind it, reachable by keyboard and on touch.
 * @param {string} word @param {string} explanation
 */
export function term(word, explanation) {
  return h(
    "button",
    { class: "cv-term", type: "button", "aria-label": `${word}: ${explanation}`, data: { tip: explanation } },
    word,
  );
}

/** A performance mark that keeps its first time. @param {string} name */
export function markOnce(name) {
  if (!performance.getEntriesByName(name).length) performance.mark(name);
}
