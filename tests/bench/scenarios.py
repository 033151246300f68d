"""What is measured, between whom, and which figures are shown."""

from dataclasses import dataclass, field

from tests.bench.lab import BROKER_DEFAULT, BROKER_TUNED


@dataclass(frozen=True)
class Measure:
    key: str
    title: str  # with its unit
    digits: int = 0


RATE = Measure("rate", "messages/s")
MEGABYTES = Measure("payload_mb_s", "payload MB/s", 1)
DAEMONS_CPU = Measure("daemons_cpu_ms", "CPU ms / 1000 messages, daemons", 1)
BROKERS_CPU = Measure("brokers_cpu_ms", "CPU ms / 1000 messages, brokers", 1)
SITES_CPU = Measure("sites_cpu_ms", "CPU ms / 1000 messages, daemons and brokers", 1)
P50 = Measure("p50_ms", "latency p50 ms", 2)
P99 = Measure("p99_ms", "latency p99 ms", 2)
P999 = Measure("p999_ms", "latency p99.9 ms", 2)
INFLIGHT = Measure("inflight_mb", "in flight on the link, highest seen, MB", 1)
LINE_MEGABYTES = Measure("line_mb_s", "on the line MB/s", 1)
LINE_BYTES = Measure("line_bytes", "bytes on the line a delivered message", 1)
PEAK = Measure("peak_mb", "peak memory of what queues, MB", 1)
MISSING = Measure("missing", "lost messages")

CPU = [DAEMONS_CPU, BROKERS_CPU, SITES_CPU]
BULK = [RATE, *CPU, MISSING]
AGAINST = [RATE, SITES_CPU, MISSING]  # a bridge, which has no daemons
OUTAGE = [Measure("backlog", "messages that waited"),
          Measure("first_s", "s from the line's return to the first message", 1),
          Measure("last_s", "the same to the last", 1),
          Measure("drain_rate", "messages/s from the first to the last"),
          Measure("saturation", "messages/s at saturation"),
          Measure("drain_percent", "drain, % of saturation"),
          Measure("live_p99_ms", "of live traffic behind it: latency p99 ms"),
          Measure("beside_p99_ms", "of live traffic to another site meanwhile: latency p99 ms", 2),
          PEAK, MISSING]
DISTANT = [RATE, P50, MISSING]
BYTES = [LINE_BYTES, RATE, MISSING]
LATENCY = [P50, P99, P999, MISSING]
LONG_LINE = [MEGABYTES, LINE_MEGABYTES, INFLIGHT, P50, DAEMONS_CPU, MISSING]


@dataclass(frozen=True)
class Variant:
    name: str
    measures: list
    load: dict  # settings of mqtt_load
    round_trip_ms: float | None = None  # none: no line between the sites
    brokers: dict = field(default_factory=lambda: BROKER_TUNED)
    links: int = 1  # from Paris, to a site each
    filters: int = 1  # London asks for
    backlog: int = 0  # this many are published while the line is cut
    beside: bool = False  # one more site is linked, without a line, to other topics


@dataclass(frozen=True)
class Scenario:
    title: str
    contenders: list  # ratios are to the first
    variants: list


# As many as keep every part busy, and no more: what waits in a queue is no throughput.
SATURATION = {"window": 2000, "outstanding": 4000}

LIVE_RATE = 1000  # messages a second, of what is live while a backlog drains

LARGE = {"qos": 1, "size": 16384, "payload": "random", "window": 1000, "outstanding": 2000}

SCENARIOS = {
    "transport": Scenario(
        "A direct link against one through the peer's broker", ["mqtt", "ws"],
        [Variant("QoS 1, saturation", BULK, {"qos": 1, **SATURATION}),
         Variant("QoS 0, saturation", BULK, {"qos": 0, **SATURATION}),
         Variant("QoS 1, 16 KiB that do not compress, saturation", [MEGABYTES, *CPU, MISSING],
                 LARGE),
         Variant("QoS 1, 1000 messages/s", [P50, P99, *CPU, MISSING], {"qos": 1, "rate": 1000})]),
    "long_line": Scenario(
        "100 ms round trip, 16 KiB messages that no compression makes smaller", ["mqtt", "ws"],
        [Variant("QoS 1, saturation", LONG_LINE, LARGE,
                 round_trip_ms=100),
         Variant("QoS 1, 3200 messages/s: 52 MB/s", LONG_LINE,
                 {**LARGE, "rate": 3200}, round_trip_ms=100)]),
    "saturation": Scenario(
        "Saturation on loopback", ["bridge", "nats", "ws", "plain"],
        [Variant(f"QoS {qos}, {size} B", AGAINST, {"qos": qos, "size": size, **SATURATION})
         for qos in (0, 1) for size in (64, 200, 1024, 16384)]),
    "clients": Scenario(
        "The two clients of the local broker, saturation", ["bridge", "library", "ws"],
        [Variant(f"QoS {qos}, 200 B", BULK, {"qos": qos, **SATURATION}) for qos in (0, 1)]),
    "latency": Scenario(
        "Latency", ["bridge", "nats", "ws"],
        [Variant(f"QoS {qos}, {rate} messages/s", LATENCY, {"qos": qos, "rate": rate})
         for qos in (0, 1) for rate in (1000, 10000)]),
    "distance": Scenario(
        "Round trips between the sites, QoS 1", ["bridge", "ws"],
        [Variant(f"{milliseconds} ms, {kind} brokers", DISTANT,
                 {"qos": 1, "window": 900, "patience_ms": 20000}, round_trip_ms=milliseconds,
                 brokers=brokers)
         for kind, brokers in (("default", BROKER_DEFAULT), ("tuned", BROKER_TUNED))
         for milliseconds in (20, 100, 300)]),
    "bytes": Scenario(
        "Bytes on the line, messages of 200 B, 20 ms round trip", ["bridge", "ws"],
        [Variant(f"{kind}, {rate} messages/s", BYTES,
                 {"qos": 1, "rate": rate, "payload": kind}, round_trip_ms=20)
         for kind in ("json", "binary", "random") for rate in (2000, 10000)]),
    "relevance": Scenario(
        "What part of the traffic is wanted; 200 B JSON, 10,000 messages/s in all, 20 ms",
        ["bridge", "nats", "ws"],
        [Variant(f"{100 // (1 + unwanted)} %", BYTES,
                 {"qos": 1, "rate": 10000 / (1 + unwanted), "unwanted": unwanted}, round_trip_ms=20)
         for unwanted in (0, 9, 99)]),
    "backlog": Scenario(
        f"An outage, then {LIVE_RATE} messages/s of live traffic while what waited drains",
        ["bridge", "ws"],
        [Variant("QoS 1, 200 B", OUTAGE, {"qos": 1}, round_trip_ms=0, backlog=20000,
                 beside=True)]),
    "fan_out": Scenario(
        "One site to many, 200 messages/s", ["bridge", "ws"],
        [Variant(f"{links} links", [SITES_CPU, P50, MISSING], {"qos": 1, "rate": 200}, links=links)
         for links in (1, 10, 50)]),
    "filters": Scenario(
        "How many filters London asks for, QoS 1, 5000 messages/s", ["ws"],
        [Variant(f"{filters} filters", [DAEMONS_CPU, SITES_CPU, P50, PEAK, MISSING],
                 {"qos": 1, "rate": 5000, "patience_ms": 60000}, filters=filters)
         for filters in (10, 1000, 9000)]),
}
