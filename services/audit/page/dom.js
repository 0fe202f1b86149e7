// SPDX-License-Identifier: Apache-2.0
// Making elements, and bringing what stands on the page in line with what should stand there
// without losing focus, scroll, or what was typed.

// h("a", {class: "x", href: "#/"}, "text", child, [children], null)
export function h(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  put(element, children);
  return element;
}

function put(element, children) {
  for (const child of children) {
    if (child == null || typeof child === "boolean") continue;
    if (Array.isArray(child)) put(element, child);
    else element.append(child);
  }
}

// Attributes that the reader sets by what he does.
const OWN = new Set(["open", "value", "aria-expanded"]);

function alignAttributes(from, to) {
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !OWN.has(name) && name !== "style") from.removeAttribute(name);
  for (const { name, value } of to.attributes) {
    if (name === "style") from.style.cssText = to.style.cssText; // as an attribute the CSP refuses it
    else if (!OWN.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

const keyOf = (node) => node.dataset?.key;

function isAlike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

// Make from what to is; to is used up. An element with data-keep keeps what is in it.
export function align(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  alignAttributes(from, to);
  if (from.hasAttribute("data-keep")) return;
  alignChildren(from, to);
}

function alignChildren(from, to) {
  const keyed = new Map();
  for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = keyOf(wanted) && keyed.get(keyOf(wanted));
    if (known && isAlike(known, wanted)) {
      if (known === at) at = at.nextSibling;
      else from.insertBefore(known, at);
      align(known, wanted);
    } else if (at && !keyOf(at) && isAlike(at, wanted)) {
      const next = at.nextSibling;
      align(at, wanted);
      at = next;
    } else {
      from.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// Show children in element, in place of what is there.
export function show(element, ...children) {
  const wanted = element.cloneNode(false);
  put(wanted, children);
  alignChildren(element, wanted);
}

// Tell a screen reader.
export function say(text) {
  document.getElementById("said").textContent = text;
}
