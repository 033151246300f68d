"""What is measured, between whom, and which figures are shown."""

from dataclasses import dataclass, field

from tests.bench.lab import BROKER_TUNED


@dataclass(frozen=True)
class Measure:
    key: str
    title: str  # with its unit
    digits: int = 0


RATE = Measure("rate", "messages/s")
MEGABYTES = Measure("payload_mb_s", "payload MB/s", 1)
DAEMONS_CPU = Measure("daemons_cpu_ms", "CPU ms / 1000 messages, daemons", 1)
SITES_CPU = Measure("sites_cpu_ms", "CPU ms / 1000 messages, daemons and brokers", 1)
P50 = Measure("p50_ms", "latency p50 ms", 2)
P99 = Measure("p99_ms", "latency p99 ms", 2)
P999 = Measure("p999_ms", "latency p99.9 ms", 2)
INFLIGHT = Measure("inflight_mb", "in flight on the link, highest seen, MB", 1)
LINE_MEGABYTES = Measure("line_mb_s", "on the line MB/s", 1)
MISSING = Measure("missing", "lost messages")

BULK = [RATE, DAEMONS_CPU, SITES_CPU, MISSING]
LATENCY = [P50, P99, P999, MISSING]
LONG_LINE = [MEGABYTES, LINE_MEGABYTES, INFLIGHT, P50, DAEMONS_CPU, MISSING]


@dataclass(frozen=True)
class Variant:
    name: str
    measures: list
    load: dict  # settings of mqtt_load
    round_trip_ms: float | None = None  # none: no line between the sites
    brokers: dict = field(default_factory=lambda: BROKER_TUNED)


@dataclass(frozen=True)
class Scenario:
    title: str
    contenders: list  # ratios are to the first
    variants: list


# As many as keep every part busy, and no more: what waits in a queue is no throughput.
SATURATION = {"window": 2000, "outstanding": 4000}

LARGE = {"qos": 1, "size": 16384, "payload": "random", "window": 1000, "outstanding": 2000}

SCENARIOS = {
    "transport": Scenario(
        "A direct link against one through the peer's broker", ["mqtt", "ws"],
        [Variant("QoS 1, saturation", BULK, {"qos": 1, **SATURATION}),
         Variant("QoS 0, saturation", BULK, {"qos": 0, **SATURATION}),
         Variant("QoS 1, 1000 messages/s", LATENCY, {"qos": 1, "rate": 1000})]),
    "long_line": Scenario(
        "100 ms round trip, 16 KiB messages that no compression makes smaller", ["mqtt", "ws"],
        [Variant("QoS 1, saturation", LONG_LINE, LARGE,
                 round_trip_ms=100),
         Variant("QoS 1, 3200 messages/s: 52 MB/s", LONG_LINE,
                 {**LARGE, "rate": 3200}, round_trip_ms=100)]),
}
