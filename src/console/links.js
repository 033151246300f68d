// The list of links, and how the daemon itself is.

import { h, keyed, setAttribute, setText } from "./dom.js";
import { ageSeconds, bytes, clock, count, duration, lasting, rate } from "./format.js";

const columns = ["Link", "State", "Out", "In", "Waiting", "Oldest", "Latency"];

export function linksPage() {
  const rows = h("tbody");
  const table = h(
    "table",
    { class: "links" },
    h("caption", { class: "hidden" }, "Links with their state and figures"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((name) => h("th", { scope: "col" }, name)),
      ),
    ),
    rows,
  );
  const add = h("a", { class: "button primary", href: "#/new" }, "Add a link");
  const empty = h(
    "div",
    { class: "card empty", hidden: true },
    h("h2", {}, "No links yet"),
    h("p", {}, "A link connects this deployment with one other. Add it here and at the other end."),
    h("a", { class: "button primary", href: "#/new" }, "Add a link"),
  );
  const daemon = daemonStrip();
  const problems = h("div", { class: "notice warning", role: "alert", hidden: true });
  return {
    title: "Links",
    element: h(
      "section",
      {},
      h(
        "div",
        { class: "heading" },
        h("h1", {}, "Links"),
        add,
      ),
      daemon.element,
      problems,
      table,
      empty,
    ),
    update(status) {
      daemon.update(status);
      showProblems(problems, status.configuration);
      table.hidden = status.links.length === 0;
      empty.hidden = !table.hidden;
      add.hidden = table.hidden; // the other one is there
      const elements = keyed(
        rows,
        status.links.map((link) => link.name),
        makeRow,
      );
      status.links.forEach((link, at) => updateRow(elements[at], link, status.now));
    },
  };
}

function daemonStrip() {
  const broker = h("strong"),
    brokerReason = h("span", { class: "muted" });
  const interest = h("strong"),
    interestReason = h("span", { class: "muted" });
  const element = h(
    "dl",
    { class: "strip" },
    h("div", {}, h("dt", {}, "Local broker"), h("dd", {}, broker, " ", brokerReason)),
    h("div", {}, h("dt", {}, "Interest"), h("dd", {}, interest, " ", interestReason)),
  );
  return {
    element,
    update({ broker: its, interest: source, now }) {
      setText(broker, its.state === "up" ? "Up" : "Down");
      setAttribute(broker, "class", `state ${its.state}`);
      setText(brokerReason, `${its.reason}, for ${lasting(ageSeconds(its.since, now))}`);
      setText(interest, source.source);
      setAttribute(interest, "class", source.complete ? "" : "state connecting");
      setText(interestReason, source.reason);
    },
  };
}

function showProblems(element, { problems }) {
  element.hidden = problems.length === 0;
  const lines = problems.map(
    (one) =>
      `${one.file}:${one.line}:${one.column}: ${one.field ? `${one.field}: ` : ""}${one.message}`,
  );
  if (element.dataset.lines === lines.join("\n")) return;
  element.dataset.lines = lines.join("\n");
  element.replaceChildren(
    h("strong", {}, "Files with mistakes are not in force."),
    h(
      "ul",
      {},
      lines.map((line) => h("li", {}, h("code", {}, line))),
    ),
  );
}

function makeRow(name) {
  const cell = (label, kind, ...content) =>
    h("td", { "data-label": label, class: kind }, ...content);
  const meter = h("span", { class: "meter", "aria-hidden": "true" }, h("span"));
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: `#/links/${name}` }, name)),
    cell("State", "what", h("span", { class: "state" }), h("span", { class: "reason" })),
    cell("Out", "number", h("span"), h("small", {}, "/s")),
    cell("In", "number", h("span"), h("small", {}, "/s")),
    cell("Waiting", "number", h("span"), meter),
    cell("Oldest", "number", h("span")),
    cell("Latency", "number", h("span")),
  );
}

function updateRow(row, { status, figures }, now) {
  const [, state, out, into, waiting, oldest, latency] = row.children;
  showState(state.firstChild, status);
  setText(state.lastChild, `${status.reason} · ${lasting(ageSeconds(status.since, now))}`);
  setAttribute(state.lastChild, "title", `since ${clock(status.since)}`);
  setText(out.firstChild, rate(figures.rates?.messages_out_per_second));
  setText(into.firstChild, rate(figures.rates?.messages_in_per_second));
  const { queue } = figures;
  setText(waiting.firstChild, count(queue.messages));
  setAttribute(waiting, "title", `${bytes(queue.bytes)} of ${bytes(queue.limit_bytes)}`);
  const share = Math.min(1, queue.bytes / queue.limit_bytes);
  waiting.lastChild.firstChild.style.width = `${share * 100}%`;
  setAttribute(waiting.lastChild, "data-full", share > 0.8);
  setText(oldest.firstChild, queue.oldest ? duration(ageSeconds(queue.oldest, now)) : "–");
  setText(latency.firstChild, duration(figures.rates?.latency_seconds ?? figures.latency_seconds));
}

const stateNames = {
  disabled: "Disabled",
  connecting: "Connecting",
  handshaking: "Handshaking",
  up: "Up",
  refused: "Refused",
  down: "Down",
  paused: "Paused",
};

export function showState(element, { state }) {
  setText(element, stateNames[state] ?? state);
  setAttribute(element, "class", `state ${state}`);
}
