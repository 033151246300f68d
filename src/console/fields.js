// The form of a link: every key of links.d/NAME.yaml (etc/schema/link.json has them too, and a test
// compares both). Defaults come from the daemon; `standard` is what a new link begins with.
//   type: text, secret, list (one a line), choice, flag, number

const path = (key, label, hint) => ({ key, label, type: "text", hint });

export const groups = [
  {
    title: "Connection",
    open: true,
    fields: [
      {
        key: "name",
        label: "Name",
        type: "text",
        onlyNew: true,
        placeholder: "london",
        hint: "The deployment at the other end.",
      },
      {
        key: "server",
        label: "Server",
        type: "list",
        rows: 2,
        placeholder: "mqtts://mqtt.london.example",
        hint: "The peer's broker (mqtt, mqtts) or daemon (wss), one a line, tried in order. Empty: the peer dials us.",
      },
      { key: "username", label: "User", type: "text" },
      { key: "password", label: "Password", type: "secret" },
      path("password_file", "Password file", "Instead of a password: read again at every connect."),
      { key: "enable", label: "Enabled", type: "flag", standard: true },
    ],
  },
  {
    title: "Topics",
    open: true,
    fields: [
      {
        key: "topics",
        label: "We want",
        type: "list",
        rows: 4,
        placeholder: "orders/#",
        hint: "Filters, one a line. Empty: nothing comes to us.",
      },
      {
        key: "allow",
        label: "The peer may ask for",
        type: "list",
        rows: 4,
        standard: ["#"],
        hint: "Filters, one a line.",
      },
    ],
  },
  {
    title: "Queue",
    fields: [
      { key: "queue.max_bytes", label: "Size at most", type: "text", placeholder: "1GiB" },
      { key: "queue.max_age", label: "Age at most", type: "text", placeholder: "7d" },
      {
        key: "queue.overflow",
        label: "When it is full",
        type: "choice",
        values: ["drop_oldest", "drop_newest"],
      },
      {
        key: "queue.sync",
        label: "Disk",
        type: "choice",
        values: ["batch", "none"],
        hint: "batch: on disk before the broker is answered.",
      },
      {
        key: "queue.qos0",
        label: "QoS 0",
        type: "choice",
        values: ["keep", "live"],
        hint: "live: dropped while the link is down.",
      },
      {
        key: "interest_expiry",
        label: "Queue for an absent peer",
        type: "text",
        placeholder: "7d",
      },
    ],
  },
  {
    title: "TLS",
    fields: [
      path("tls.ca_file", "Authorities", "A PEM file. Empty: those of the system."),
      path("tls.cert_file", "Our certificate"),
      path("tls.key_file", "Its key"),
      {
        key: "tls.server_name",
        label: "Name of the server",
        type: "text",
        hint: "If other than its address.",
      },
      { key: "tls.verify", label: "Verify the server", type: "flag", standard: true },
      { key: "insecure", label: "Allow ws:// without TLS", type: "flag", standard: false },
    ],
  },
  {
    title: "Who may dial us",
    fields: [
      path("accept.password_file", "Password file", "Holds what the peer must present."),
      {
        key: "accept.certificate",
        label: "Certificate",
        type: "text",
        hint: "The common name, or a DNS name, of the peer's certificate.",
      },
    ],
  },
  {
    title: "Advanced",
    fields: [
      { key: "client_id_prefix", label: "Prefix of client ids", type: "text" },
      {
        key: "control_prefix",
        label: "Control prefix",
        type: "text",
        placeholder: "$LINK",
        hint: "Both ends must agree.",
      },
      path(
        "frame_key_file",
        "Frame key file",
        "A key shared with the peer: authenticates every frame.",
      ),
      { key: "compression", label: "Compression", type: "choice", values: ["zstd", "none"] },
      {
        key: "retained",
        label: "Retain flag",
        type: "choice",
        values: ["live", "off"],
        hint: "off: it is cleared.",
      },
      {
        key: "mqtt.protocol",
        label: "MQTT version",
        type: "choice",
        values: ["auto", "5", "3.1.1"],
      },
      { key: "mqtt.keepalive", label: "Keep alive", type: "text", placeholder: "30s" },
      { key: "mqtt.connections", label: "Connections", type: "number", placeholder: "1" },
      { key: "mqtt.max_inflight", label: "Frames in flight", type: "number", placeholder: "16" },
      { key: "mqtt.retry_interval", label: "Send again after", type: "text", placeholder: "15s" },
    ],
  },
];
