// A stand-in for the daemon, written from src/admin/API.md: to look at the console in states that a
// real daemon has only for a moment. The flows are tested with the real one.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";

const types = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};
const started = Date.now();
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

function settings(name, more) {
  return {
    name,
    enable: true,
    server: [`mqtts://mqtt.${name}.example:8883`],
    insecure: false,
    username: "paris",
    password: "******",
    password_file: "",
    client_id_prefix: "paris",
    control_prefix: "$LINK",
    topics: ["orders/#", "fleet/+/alerts"],
    allow: ["#"],
    accept: null,
    frame_key_file: "",
    interest_expiry: "7d",
    compression: "zstd",
    retained: "live",
    queue: {
      max_bytes: "1GiB",
      max_age: "7d",
      overflow: "drop_oldest",
      sync: "batch",
      qos0: "keep",
    },
    mqtt: {
      protocol: "auto",
      keepalive: "30s",
      connections: 1,
      max_inflight: 16,
      retry_interval: "15s",
    },
    tls: { ca_file: "", cert_file: "", key_file: "", verify: true, server_name: "" },
    ...more,
  };
}

// name: [settings, state, reason, since (s ago), messages a second, waiting, oldest (s ago)]
const links = {
  berlin: [
    settings("berlin"),
    "up",
    "connected through mqtts://mqtt.berlin.example:8883",
    400000,
    310,
    4,
    0.2,
  ],
  london: [
    settings("london"),
    "up",
    "connected through mqtts://mqtt.london.example:8883",
    7300,
    42,
    1,
    0.1,
  ],
  "new-york": [
    settings("new-york", { server: [] }),
    "down",
    "mqtts://mqtt.new-york.example:8883: connection timed out; next attempt in 12 s",
    5400,
    0,
    381204,
    5390,
  ],
  oslo: [
    settings("oslo", { enable: false }),
    "disabled",
    "disabled in its file",
    86400 * 9,
    0,
    0,
    null,
  ],
  osaka: [
    settings("osaka"),
    "refused",
    "osaka has no link named paris: add links.d/paris.yaml there (unknown_deployment)",
    95,
    0,
    120,
    95,
  ],
  singapore: [settings("singapore"), "paused", "paused by an operator", 640, 0, 92011, 640],
};

function figures(name, [, , , , perSecond, waiting, oldest]) {
  const total = perSecond * 3000;
  const point = history(name).at(-1);
  return {
    connects: 2,
    messages: {
      queued: total + waiting,
      sent: total,
      acked: total,
      received: total / 7,
      published: total / 7,
    },
    dropped: {
      overflow: name === "new-york" ? 1200 : 0,
      age: 0,
      expired: 31,
      oversize: 0,
      loop: 0,
      rejected: 0,
      not_wanted: 0,
      damaged: 0,
      qos0_down: 0,
      purged: 0,
    },
    payload_bytes: { in: total * 11, out: total * 140 },
    wire_bytes: { in: total * 4, out: total * 31 },
    queue: {
      messages: waiting,
      bytes: waiting * 2500,
      limit_bytes: 1 << 30,
      oldest: oldest === null ? null : ago(oldest),
    },
    inflight_bytes: 1840,
    interest: { in: { filters: 3, updates: 4 }, out: { filters: 2, updates: 1 } },
    latency_seconds: total ? 0.0141 : null,
    rtt_seconds: perSecond ? 0.0113 : null,
    rates: point,
  };
}

function history(name) {
  const [, , , , perSecond, waiting] = links[name];
  const now = Math.floor(Date.now() / 5000) * 5;
  return Array.from({ length: 60 }, (_, at) => {
    const time = now - (59 - at) * 5;
    const wave = 1 + 0.25 * Math.sin(time / 23) + 0.12 * Math.sin(time / 7.3);
    const gap = perSecond === 0;
    return {
      time,
      captured_per_second: 420 * wave,
      queued_per_second: (perSecond || 130) * wave,
      messages_out_per_second: perSecond * wave,
      messages_in_per_second: (perSecond / 7) * (2 - wave),
      bytes_out_per_second: perSecond * 140,
      bytes_in_per_second: perSecond * 11,
      dropped_per_second: 0,
      queue_messages: Math.max(
        0,
        gap ? waiting - (59 - at) * 130 : waiting + Math.round(3 * Math.sin(time / 11)),
      ),
      queue_bytes: waiting * 2500,
      latency_seconds: gap ? null : 0.012 + 0.004 * wave,
    };
  });
}

const statusOf = (link) => ({
  state: link[1],
  reason: link[2],
  since: ago(link[3] - (Date.now() - started) / 1000),
});

function status() {
  return {
    deployment: "paris",
    version: "0.1.0",
    time: new Date().toISOString(),
    broker: { state: "up", reason: "connected (MQTT 5)", since: ago(400000) },
    interest: { source: "mosquitto", complete: true, reason: "118 subscriptions of 40 clients" },
    configuration: {
      successful: false,
      loaded: ago(100),
      problems: [
        {
          file: "/etc/mqtt-linkd/links.d/rome.yaml",
          line: 3,
          column: 10,
          field: "topics[0]",
          message: "'a/#/b': # may only be the last level",
        },
      ],
    },
    messages_captured: 1260000,
    links: Object.keys(links)
      .sort()
      .map((name) => ({
        name,
        enable: links[name][0].enable,
        status: statusOf(links[name]),
        figures: figures(name, links[name]),
      })),
  };
}

function explain(topic) {
  const one = (link, wanted, allowed, more) => ({
    link,
    wanted,
    filter: wanted ? "orders/#" : null,
    allowed,
    allow_filter: allowed ? "#" : null,
    captured: wanted && allowed,
    state: links[link][1],
    queue_messages: links[link][5],
    ...more,
  });
  return {
    topic,
    links: [
      one("berlin", true, true, { verdict: "a message published here is sent to berlin" }),
      one("london", false, true, {
        verdict:
          "not sent: london does not ask for it; add a filter to topics in the link of london's " +
          "daemon to us",
      }),
      one("new-york", true, true, {
        verdict: "queued until the link is up; the link is down (connection timed out)",
      }),
      one("osaka", true, false, {
        verdict:
          "not sent: osaka asks for it by orders/#, but nothing in allow permits it; add a filter " +
          "to allow in links.d/osaka.yaml",
      }),
    ],
    incoming: [
      {
        link: "berlin",
        wanted: true,
        filter: "orders/#",
        state: "up",
        verdict: "we ask berlin for it by orders/#; whether berlin allows it, explain says there",
      },
      {
        link: "london",
        wanted: false,
        filter: null,
        state: "up",
        verdict:
          "not received: we do not ask london for it; add a filter to topics in links.d/london.yaml",
      },
    ],
  };
}

function answer(path, query) {
  const [, name, part] = path.match(/^links\/([\w-]+)(?:\/(\w+))?$/) ?? [];
  if (path === "status") return status();
  if (path === "explain") return explain(query.get("topic"));
  if (!links[name]) return null;
  if (part === "metrics")
    return {
      link: name,
      figures: figures(name, links[name]),
      history: { interval_seconds: 5, points: history(name) },
    };
  if (part === "interest") {
    return {
      link: name,
      in: {
        count: 3,
        filters: ["cars/#", "orders/+", "orders/+/lines"],
        truncated: false,
        effective: ["orders/+", "orders/+/lines"],
      },
      out: { count: 2, filters: ["fleet/+/alerts", "orders/#"], truncated: false },
    };
  }
  return { ...links[name][0], status: statusOf(links[name]) };
}

// What a PUT of whatever it is gets.
const refused = {
  error: {
    code: "invalid",
    message: "topics[1]: '#' may only be the last level",
    problems: [
      { field: "topics[1]", message: "'#' may only be the last level" },
      { field: "queue.max_age", message: "must be a duration (500ms, 10s, 5m, 7d)" },
      { field: "", message: "password and password_file: give one of them" },
    ],
  },
};

// Resolves to the address and a function that ends it. `empty`: a daemon without links.
export function startFake(consoleDirectory, { empty = false } = {}) {
  const now = () => (empty ? { ...status(), configuration: { problems: [] }, links: [] } : status());
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://fake");
    const send = (code, type, body) => {
      response.writeHead(code, {
        "Content-Type": type,
        "Content-Security-Policy": "default-src 'self'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
      });
      response.end(body);
    };
    if (pathname === "/api/v1/events") {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const tell = () => response.write(`event: status\ndata: ${JSON.stringify(now())}\n\n`);
      tell();
      const timer = setInterval(tell, 2000);
      response.on("close", () => clearInterval(timer));
    } else if (request.method === "PUT") {
      send(422, "application/json", JSON.stringify(refused));
    } else if (pathname.startsWith("/api/v1/")) {
      const found = answer(pathname.slice(8), searchParams);
      send(
        found ? 200 : 404,
        "application/json",
        JSON.stringify(found ?? { error: { code: "not_found", message: "no such link" } }),
      );
    } else {
      const file = pathname === "/" ? "/index.html" : pathname;
      const body = await readFile(consoleDirectory + file).catch(() => null);
      send(body ? 200 : 404, types[extname(file)] ?? "text/plain", body ?? "not found");
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}/`,
        stop: () =>
          new Promise((done) => {
            server.close(done);
            server.closeAllConnections();
          }),
      }),
    );
  });
}
