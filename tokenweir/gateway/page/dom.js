// Nodes that are changed in place: what has the focus or is selected stays so while figures come in.
// Law of this file: text goes in as text alone. A backend's words are never markup.

/** A copy of what a <template> holds. */
export function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** The part of a copy that has this name. */
export function part(node, name) {
  return node.querySelector(`[data-part="${name}"]`);
}

/** Show a text, if it is not shown already. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute, or take it away with null. */
export function mark(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A state as a dot and a word. `node` holds the word. */
export function chip(node, word, tone) {
  say(node, word);
  mark(node.parentElement, "data-tone", tone);
}

/** A bar: 0..1, or null for one that goes on without a figure. */
export function progress(bar, shown, value) {
  bar.hidden = !shown;
  mark(bar, "value", shown && value !== null && value !== undefined ? value : null);
}

/** Let `parent` have one child for each item, in their order. Children that are there are kept, and moved
 * only where the order has changed. */
export function list(parent, items, keyOf, make, update) {
  const wanted = new Set(items.map(keyOf));
  const there = new Map();
  for (const node of [...parent.children]) {
    if (wanted.has(node.dataset.key)) there.set(node.dataset.key, node);
    else node.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const node = there.get(key) ?? make(item);
    node.dataset.key = key;
    update(node, item);
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}
