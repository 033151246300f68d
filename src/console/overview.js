// A link's figures: tiles, four graphs of five minutes, and the counts since the daemon's start.

import { get } from "./api.js";
import { chart } from "./chart.js";
import { h, setAttribute, setText } from "./dom.js";
import { ageSeconds, bytes, count, duration, percent, rate } from "./format.js";

const dropNames = {
  overflow: "queue full",
  age: "too old",
  expired: "expired",
  oversize: "too large",
  loop: "came in a circle",
  rejected: "refused by our broker",
  not_wanted: "not asked for",
  damaged: "damaged on disk",
  qos0_down: "QoS 0 while down",
  purged: "purged",
};

export function overviewPart(name) {
  const tiles = tileRow([
    "To the peer",
    "From the peer",
    "Waiting",
    "Oldest",
    "Latency",
    "Round trip",
  ]);
  const charts = makeCharts(name);
  const totals = h("dl", { class: "totals card" });
  const poll = async () => {
    try {
      const { history } = await get(`links/${name}/metrics`);
      for (const one of charts) one.update(history);
    } catch {
      // The head of the page says whether the daemon is reached.
    }
  };
  poll();
  const timer = setInterval(poll, 5000);
  return {
    element: h(
      "div",
      {},
      tiles.element,
      h(
        "div",
        { class: "charts" },
        charts.map((one) => one.element),
      ),
      h("h2", {}, "Since the start of the daemon"),
      totals,
    ),
    update({ figures }, { now }) {
      const { queue, rates } = figures;
      tiles.show([
        [rate(rates?.messages_out_per_second), "messages/s"],
        [rate(rates?.messages_in_per_second), "messages/s"],
        [count(queue.messages), `${bytes(queue.bytes)} of ${bytes(queue.limit_bytes)}`],
        [queue.oldest ? duration(ageSeconds(queue.oldest, now)) : "–", "in the queue"],
        [duration(rates?.latency_seconds ?? figures.latency_seconds), "capture to acknowledgement"],
        [duration(figures.rtt_seconds), "last heartbeat"],
      ]);
      showTotals(totals, figures);
    },
    close() {
      clearInterval(timer);
      for (const one of charts) one.close();
    },
  };
}

function tileRow(names) {
  const values = names.map(() => [h("strong"), h("small")]);
  return {
    element: h(
      "dl",
      { class: "tiles" },
      names.map((name, at) =>
        h("div", { class: "card" }, h("dt", {}, name), h("dd", {}, values[at])),
      ),
    ),
    show: (figures) =>
      figures.forEach(([value, note], at) => {
        setText(values[at][0], value);
        setText(values[at][1], note);
      }),
  };
}

function makeCharts(name) {
  const spared = (point) =>
    point.captured_per_second > 0
      ? Math.max(0, 1 - point.queued_per_second / point.captured_per_second)
      : null;
  return [
    chart(
      "Throughput",
      [
        { name: `to ${name}`, color: "out", value: (point) => point.messages_out_per_second },
        { name: `from ${name}`, color: "in", value: (point) => point.messages_in_per_second },
      ],
      rate,
      { note: "messages/s" },
    ),
    chart(
      "Waiting",
      [{ name: "messages", color: "out", value: (point) => point.queue_messages }],
      short,
    ),
    chart(
      "Latency",
      [{ name: "mean", color: "out", value: (point) => point.latency_seconds }],
      duration,
      { note: "capture to acknowledgement" },
    ),
    chart(
      "Spared the line",
      [{ name: "of what was captured", color: "in", value: spared }],
      percent,
      { max: 1, note: "not wanted by this peer" },
    ),
  ];
}

// Thousands as k, so that they fit beside the graph.
function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} M`;
  if (value >= 1e4) return `${Math.round(value / 1e3)} k`;
  return count(value);
}

function showTotals(element, figures) {
  const { messages, payload_bytes: payload, wire_bytes: wire, interest } = figures;
  const saved = (direction) =>
    wire[direction] > 0 && payload[direction] > wire[direction]
      ? ` (${(payload[direction] / wire[direction]).toFixed(1)}× smaller)`
      : "";
  const dropped = Object.entries(figures.dropped).filter(([, number]) => number > 0);
  const lines = [
    ["Queued", count(messages.queued)],
    ["Taken over by the peer", count(messages.acked)],
    ["Taken over from the peer", count(messages.received)],
    ["Accepted by our broker", count(messages.published)],
    ["Payload", `${bytes(payload.out)} out, ${bytes(payload.in)} in`],
    ["On the line", `${bytes(wire.out)} out${saved("out")}, ${bytes(wire.in)} in`],
    [
      "Filters",
      `${count(interest.in.filters)} of the peer, ${count(interest.out.filters)} of ours`,
    ],
    ["Sessions", count(figures.connects)],
    [
      "Dropped",
      dropped.length === 0
        ? "0"
        : dropped
            .map(([reason, number]) => `${count(number)} ${dropNames[reason] ?? reason}`)
            .join(", "),
    ],
  ];
  if (element.children.length === 0) {
    element.append(...lines.map(([name]) => h("div", {}, h("dt", {}, name), h("dd"))));
  }
  lines.forEach(([, value], at) => setText(element.children[at].lastChild, value));
  setAttribute(element.lastChild, "class", dropped.length > 0 ? "bad" : null);
}
