// The settings of a link as a form: of one that is there, and of a new one.

import { request } from "./api.js";
import { h, setAttribute, setText, toast } from "./dom.js";
import { groups } from "./fields.js";

export function newLinkPage() {
  const form = settingsForm(null, {}, async (link) => {
    const { answer } = await request("POST", "links", link);
    toast(`${answer.name} is created`);
    location.hash = `#/links/${answer.name}`;
  });
  return {
    title: "Add a link",
    element: h(
      "section",
      {},
      h("p", { class: "path" }, h("a", { href: "#/" }, "Links"), " /"),
      h("h1", {}, "Add a link"),
      h(
        "p",
        { class: "muted" },
        "The other deployment needs a link too, with this deployment's name.",
      ),
      form,
    ),
  };
}

// A part of a link's page.
export function settingsPart(name) {
  const element = h("div");
  // After a change by hand: what is shown is what runs, so the file has to be in force first.
  const reload = async () => {
    await request("POST", "reload").catch(() => null);
    load();
  };
  const load = async () => {
    try {
      const { answer, etag } = await request("GET", `links/${name}`);
      let known = etag;
      element.replaceChildren(
        settingsForm(
          name,
          answer,
          async (link) => {
            const saved = await request("PUT", `links/${name}`, link, known);
            known = saved.etag;
            toast(`${name} is saved`);
            return saved.answer;
          },
          reload,
        ),
      );
    } catch (error) {
      element.replaceChildren(h("p", { class: "notice error", role: "alert" }, error.message));
    }
  };
  load();
  return { element };
}

// `save(link)` sends the settings and returns them as they then are. `reload` shows the file of now.
function settingsForm(name, link, save, reload) {
  const controls = new Map(); // key -> {read(link), write(link), element, error}
  const alert = h("div", { class: "notice error", role: "alert", hidden: true });
  const submit = h("button", { class: "primary" }, name ? "Save" : "Add the link");

  const fieldset = ({ title, open, fields }) => {
    const inner = fields
      .filter((field) => !(field.onlyNew && name))
      .map((field) => {
        const control = makeControl(field);
        controls.set(field.key, control);
        control.write(link);
        return control.element;
      });
    const body = h("div", { class: "fields" }, inner);
    return open
      ? h("fieldset", { class: "card" }, h("legend", {}, title), body)
      : h("details", { class: "card" }, h("summary", {}, title), body);
  };

  const clear = () => {
    alert.hidden = true;
    for (const control of controls.values()) control.fail(null);
  };

  // Each problem at its field; one that has none here, above the form. The first field gets the
  // focus.
  const showProblems = (problems, code) => {
    const told = new Map(); // control -> messages
    const rest = problems.filter(({ field, message }) => {
      const [, key, item] = field.match(/^(.*?)(?:\[(\d+)\])?$/);
      const control = controls.get(key);
      if (!control) return true;
      const text = item === undefined ? message : `line ${Number(item) + 1}: ${message}`;
      told.set(control, [...(told.get(control) ?? []), text]);
      return false;
    });
    for (const [control, texts] of told) control.fail(texts.join("\n"));
    const texts = rest.map((one) => (one.field ? `${one.field}: ${one.message}` : one.message));
    if (code === "precondition_failed")
      texts.splice(0, Infinity, "The link was changed elsewhere meanwhile.");
    alert.replaceChildren(
      ...texts.map((text) => h("p", {}, text)),
      ...(code === "precondition_failed"
        ? [h("button", { type: "button", onclick: reload }, "Show it as it is now")]
        : []),
    );
    alert.hidden = texts.length === 0;
    const first = form.querySelector("[aria-invalid]");
    if (first?.closest("details")) first.closest("details").open = true;
    first?.focus();
    (first?.closest(".field") ?? alert).scrollIntoView({ block: "center" });
  };

  const send = async (event) => {
    event.preventDefault();
    clear();
    submit.disabled = true;
    const wanted = structuredClone(link);
    delete wanted.status;
    for (const control of controls.values()) control.read(wanted, name === null);
    try {
      const saved = await save(wanted);
      if (saved) {
        link = saved;
        for (const control of controls.values()) control.write(link);
      }
    } catch (error) {
      if (!error.problems) throw error;
      showProblems(error.problems, error.code);
    }
    submit.disabled = false;
  };

  const form = h(
    "form",
    { class: "settings", novalidate: true, onsubmit: send },
    alert,
    groups.map(fieldset),
    h(
      "div",
      { class: "buttons" },
      h("a", { class: "button quiet", href: name ? `#/links/${name}` : "#/" }, "Cancel"),
      submit,
    ),
  );
  return form;
}

let lastId = 0;

function makeControl(field) {
  const id = `field-${(lastId += 1)}`;
  const input = makeInput(field, id);
  const error = h("p", { class: "error", id: `${id}-error` });
  setAttribute(input, "aria-describedby", `${id}-error${field.hint ? ` ${id}-hint` : ""}`);
  const label = h("label", { for: id }, field.label);
  const hint = field.hint ? h("p", { class: "hint", id: `${id}-hint` }, field.hint) : null;
  const element =
    field.type === "flag"
      ? h("div", { class: "field flag" }, input, label, error, hint)
      : h("div", { class: `field ${field.type}` }, label, input, error, hint);
  const path = field.key.split(".");
  const fail = (message) => {
    setText(error, message ?? "");
    setAttribute(input, "aria-invalid", message !== null && "true");
  };
  input.addEventListener("input", () => fail(null));
  return {
    element,
    fail,
    write(link) {
      const value = path.reduce((node, key) => node?.[key], link);
      if (field.type === "flag") input.checked = value ?? field.standard;
      else if (field.type === "list") input.value = (value ?? standardOf(field)).join("\n");
      else input.value = value ?? standardOf(field);
    },
    // What a new link leaves at its default is not written into its file.
    read(link, isNew) {
      if (isNew && isStandard(field, valueOf(field, input))) return;
      let node = link;
      for (const key of path.slice(0, -1)) node = node[key] ??= {};
      node[path.at(-1)] = valueOf(field, input);
    },
  };
}

function standardOf(field) {
  return (
    field.standard ?? (field.type === "choice" ? field.values[0] : field.type === "list" ? [] : "")
  );
}

function isStandard(field, value) {
  return JSON.stringify(value) === JSON.stringify(standardOf(field));
}

function valueOf(field, input) {
  if (field.type === "flag") return input.checked;
  if (field.type === "list")
    return input.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  const text = field.type === "secret" ? input.value : input.value.trim();
  return field.type === "number" && /^\d+$/.test(text) ? Number(text) : text;
}

function makeInput(field, id) {
  const common = { id, name: field.key, autocomplete: "off", spellcheck: "false" };
  if (field.type === "flag") return h("input", { ...common, type: "checkbox" });
  if (field.type === "list") {
    return h("textarea", { ...common, rows: field.rows ?? 3, placeholder: field.placeholder });
  }
  if (field.type === "choice") {
    return h(
      "select",
      common,
      field.values.map((value) => h("option", { value }, value)),
    );
  }
  const type = field.type === "secret" ? "password" : "text";
  return h("input", {
    ...common,
    type,
    inputmode: field.type === "number" ? "numeric" : null,
    autocomplete: field.type === "secret" ? "new-password" : "off",
    placeholder: field.placeholder,
  });
}
