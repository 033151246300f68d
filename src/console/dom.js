// Small helpers around the DOM. Text is only ever set as text: names and reasons cannot be markup.

// h("a", {class: "x", href: "#/", onclick: f}, "text", node, ...): an element. Properties that are
// false or null are left out; children that are null too.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  apply(element, properties);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// The same for SVG.
export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  apply(element, properties);
  element.append(...children);
  return element;
}

function apply(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
}

// Sets what differs only: a screen reader, a selection and a hover are not disturbed.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === false) {
    element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value === true ? "" : value);
  }
}

// Makes the children of `parent` those that `make(key)` returns, one a key, in this order; elements
// that are there already stay.
export function keyed(parent, keys, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = keys.map((key) => {
    const child = old.get(key) ?? make(key);
    child.dataset.key = key;
    return child;
  });
  for (const [key, child] of old) if (!keys.includes(key)) child.remove();
  wanted.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  return wanted;
}

// A short message in the corner. Errors stay until they are closed.
export function toast(text, kind = "done") {
  const close = () => element.remove();
  const element = h(
    "div",
    { class: `toast ${kind}` },
    h("span", {}, text),
    h("button", { class: "plain", "aria-label": "Close", onclick: close }, "×"),
  );
  document.getElementById("toasts").append(element);
  if (kind === "done") setTimeout(close, 5000);
}

// Asks before something that cannot be taken back. True: go on.
export function confirmed(title, text, action) {
  return new Promise((answer) => {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "dialog-title" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "dialog-title" }, title),
        h("p", {}, text),
        h(
          "div",
          { class: "buttons" },
          h("button", { value: "no", class: "quiet" }, "Cancel"),
          h("button", { value: "yes", class: "danger" }, action),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
