// A line chart of the last five minutes.

import { h, setText, svg } from "./dom.js";

const height = 150,
  left = 52,
  right = 8,
  top = 10,
  bottom = 22;

// `lines`: [{name, color (a class), value(point)}]; null leaves a gap. `format` writes a value.
export function chart(title, lines, format, { max = null, note = "" } = {}) {
  const plot = svg("svg", { class: "plot", height, role: "img" });
  const values = h("p", { class: "values", "aria-hidden": "true" });
  const legend = h(
    "p",
    { class: "legend" },
    lines.map((line) => {
      line.now = h("b");
      return h("span", { class: line.color }, h("i"), `${line.name} `, line.now);
    }),
  );
  let points = [],
    interval = 5,
    over = null;

  const draw = () => {
    const width = plot.clientWidth || 400;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const end = points.at(-1)?.time ?? 0,
      begin = end - 60 * interval;
    const highest = Math.max(0, ...points.flatMap((p) => lines.map((l) => l.value(p) ?? 0)));
    const scale = max ?? niceMax(highest);
    const x = (time) => left + ((time - begin) / (end - begin)) * (width - left - right);
    const y = (value) => height - bottom - (value / scale) * (height - top - bottom);
    plot.replaceChildren(
      ...grid(width, scale, y, format),
      ...(points.length < 2
        ? [nothing(width, "No figures yet: the first come after a few seconds")]
        : points.every((p) => lines.every((l) => l.value(p) === null))
          ? [nothing(width, "Nothing in these five minutes")]
          : lines.flatMap((l) => paths(l, points, interval, x, y))),
    );
    if (over !== null && points.length > 1) plot.append(...marker(over, x, y));
  };

  const marker = (at, x, y) => {
    const point = points[Math.min(at, points.length - 1)];
    const dots = lines
      .filter((line) => line.value(point) !== null)
      .map((line) =>
        svg("circle", { class: line.color, cx: x(point.time), cy: y(line.value(point)), r: 3.5 }),
      );
    return [
      svg("line", {
        class: "cross",
        x1: x(point.time),
        x2: x(point.time),
        y1: top,
        y2: height - bottom,
      }),
      ...dots,
    ];
  };

  const showValues = () => {
    const point = over === null ? points.at(-1) : points[Math.min(over, points.length - 1)];
    for (const line of lines) {
      const value = point ? line.value(point) : null;
      setText(line.now, value === null ? "–" : format(value));
    }
    setText(
      values,
      over === null || !point ? note : new Date(point.time * 1000).toLocaleTimeString(),
    );
    plot.setAttribute(
      "aria-label",
      `${title}: ` + lines.map((line) => `${line.name} ${line.now.textContent}`).join(", "),
    );
  };

  const point = (event) => {
    if (points.length < 2) return;
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left - left) / (box.width - left - right);
    const time = points.at(-1).time - 60 * interval * (1 - share);
    over = points.reduce(
      (best, p, at) => (Math.abs(p.time - time) < Math.abs(points[best].time - time) ? at : best),
      0,
    );
    draw();
    showValues();
  };
  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerleave", () => {
    over = null;
    draw();
    showValues();
  });
  const watcher = new ResizeObserver(draw);
  watcher.observe(plot);

  return {
    element: h(
      "figure",
      { class: "card chart" },
      h("figcaption", {}, h("h3", {}, title), values),
      plot,
      legend,
    ),
    update(history) {
      points = history.points;
      interval = history.interval_seconds;
      draw();
      showValues();
    },
    close: () => watcher.disconnect(),
  };
}

function nothing(width, why) {
  const text = svg("text", { class: "none", x: (width + left) / 2, y: height * 0.34 });
  text.textContent = why;
  return text;
}

// 2, 4, 6 or 10 times a power of ten: half of it is a round number too.
function niceMax(highest) {
  if (highest <= 0) return 2;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [2, 4, 6, 10].map((factor) => factor * power).find((value) => value >= highest);
}

function grid(width, scale, y, format) {
  const label = (text, at) => {
    const element = svg("text", at);
    element.textContent = text;
    return element;
  };
  return [
    ...[0, 0.5, 1].flatMap((part) => [
      svg("line", {
        class: "grid",
        x1: left,
        x2: width - right,
        y1: y(part * scale),
        y2: y(part * scale),
      }),
      label(format(part * scale), { class: "tick", x: left - 8, y: y(part * scale) + 4 }),
    ]),
    label("5 min ago", { class: "time", x: left, y: height - 6 }),
    label("now", { class: "time end", x: width - right, y: height - 6 }),
  ];
}

// The line, and a light area below it; both with gaps where nothing is known.
function paths(line, points, interval, x, y) {
  const runs = [];
  let last = null;
  for (const point of points) {
    const value = line.value(point);
    if (value === null) {
      last = null;
      continue;
    }
    if (last === null || point.time - last > 2.5 * interval) runs.push([]);
    runs.at(-1).push(`${x(point.time).toFixed(1)},${y(value).toFixed(1)}`);
    last = point.time;
  }
  return runs.flatMap((run) => {
    const from = run[0].split(",")[0],
      to = run.at(-1).split(",")[0];
    return [
      svg("path", {
        class: `area ${line.color}`,
        d: `M${from},${y(0)}L${run.join("L")}L${to},${y(0)}Z`,
      }),
      svg("path", {
        class: `line ${line.color}`,
        d: `M${run.join("L")}${run.length === 1 ? "h1" : ""}`,
      }),
    ];
  });
}
