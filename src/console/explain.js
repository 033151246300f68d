// Who gets a message on a topic, and why not.

import { get } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { showState } from "./links.js";

export function explainPage(topic) {
  const field = h("input", {
    id: "topic",
    value: topic,
    placeholder: "orders/7",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
  });
  const result = h("div", { "aria-live": "polite" });
  const send = (event) => {
    event.preventDefault();
    const address = `#/explain?topic=${encodeURIComponent(field.value)}`;
    if (location.hash === address) {
      show(result, field.value);
    } else {
      location.hash = address;
    }
  };
  if (topic) show(result, topic);
  return {
    title: "Explain",
    element: h(
      "section",
      {},
      h("h1", {}, "Explain a topic"),
      h(
        "p",
        { class: "muted" },
        "Where a message on this topic goes, which rule decides, what blocks it.",
      ),
      h(
        "form",
        { class: "ask", onsubmit: send },
        h("label", { for: "topic", class: "hidden" }, "Topic"),
        field,
        h("button", { class: "primary" }, "Explain"),
      ),
      result,
    ),
  };
}

async function show(result, topic) {
  try {
    const { links, incoming } = await get(`explain?topic=${encodeURIComponent(topic)}`);
    result.replaceChildren(
      part("Published here", "Nobody is linked with this deployment.", links.map(outgoing)),
      part("Published elsewhere", "", incoming.map(incomingOf)),
    );
  } catch (error) {
    result.replaceChildren(h("p", { class: "notice error", role: "alert" }, error.message));
  }
}

function part(title, nothing, cards) {
  if (cards.length === 0 && !nothing) return h("div");
  return h(
    "div",
    { class: "part" },
    h("h2", {}, title),
    cards.length ? h("div", { class: "cards" }, cards) : h("p", { class: "muted" }, nothing),
  );
}

function outgoing(one) {
  const goes = one.wanted && one.allowed && one.captured;
  const due = one.wanted && one.allowed;
  return card(one, goes, `to ${one.link}`, [
    step(one.wanted, one.wanted ? ["wanted by ", code(one.filter)] : "not wanted"),
    step(one.allowed, one.allowed ? ["allowed by ", code(one.allow_filter)] : "not allowed"),
    due ? step(one.captured, one.captured ? "captured here" : "not captured") : null,
    goes && one.queue_messages > 0
      ? step(null, `${count(one.queue_messages)} waiting before it`)
      : null,
  ]);
}

function incomingOf(one) {
  return card(one, one.wanted, `from ${one.link}`, [
    step(one.wanted, one.wanted ? ["asked for by ", code(one.filter)] : "not asked for"),
  ]);
}

function card(one, goes, direction, steps) {
  const state = h("span");
  showState(state, one);
  return h(
    "article",
    { class: `card verdict ${goes ? "yes" : "no"}` },
    h("header", {}, h("h3", {}, h("a", { href: `#/links/${one.link}` }, direction)), state),
    h("p", {}, one.verdict),
    h("ul", { class: "steps" }, steps),
  );
}

function code(text) {
  return h("code", {}, text);
}

// `good`: true, false, or null for a mere fact.
function step(good, content) {
  const mark = good === null ? "·" : good ? "✓" : "✕";
  return h(
    "li",
    { class: good === null ? "fact" : good ? "good" : "bad" },
    h("span", { "aria-hidden": "true" }, mark),
    h("span", {}, content),
  );
}
