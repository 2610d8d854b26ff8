// Elements without markup in strings: text stays text, so a file name can never become a tag.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties and children. `on…` adds a listener, `class` and `aria-…` are attributes, null is left out. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** The same in SVG. */
export function s(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !(element instanceof SVGElement) && !["class", "for", "list", "form"].includes(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const find = (id) => document.getElementById(id);

/** Replace what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Tell something in passing, to eyes and screen readers; it goes by itself. */
export function tell(text, action = null) {
  const notice = h("div", { class: "notice" }, h("span", {}, text), action);
  find("notices").append(notice);
  setTimeout(() => notice.remove(), action ? 12000 : 6000);
}

/** A dialog that is made anew each time it is opened, and gone when it is closed. */
export function openDialog(title, ...content) {
  const heading = h("h2", { id: `title-${crypto.randomUUID()}`, tabIndex: -1, autofocus: true }, title);
  const close = h("button", { class: "button icon bare", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, "✕");
  const dialog = h("dialog", { "aria-labelledby": heading.id }, h("div", { class: "sheet" }, h("div", { class: "sheet-head" }, heading, close), ...content));
  dialog.addEventListener("close", () => dialog.remove());
  closeOnBackdrop(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function closeOnBackdrop(dialog) {
  dialog.addEventListener("mousedown", (event) => event.target === dialog && dialog.close());
}

/** Ask before something that cannot be undone. Resolves to whether to go on. */
export function confirmed(title, text, yes) {
  return new Promise((resolve) => {
    const answer = (value) => () => { resolve(value); dialog.close(); };
    const dialog = openDialog(title, h("p", {}, text), h("div", { class: "row end" },
      h("button", { class: "button", type: "button", onclick: answer(false) }, "Keep it"),
      h("button", { class: "button danger", type: "button", onclick: answer(true) }, yes)));
    dialog.addEventListener("close", () => resolve(false));
  });
}
