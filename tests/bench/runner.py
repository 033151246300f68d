"""Runs a scenario: all contenders stand side by side and are loaded in turn, round after round."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

from tests.bench.contenders import make_contender
from tests.bench.lab import run_load
from tests.bench.scenarios import LIVE_RATE, SATURATION

run_numbers = itertools.count(1)
OUTAGE_PATIENCE_S = 60  # to dial again
SLOWEST = 2000  # messages a second; a short look at less was a look at a pause
TELLABLE_S = 0.1  # by processes that wait for their turn


def run_scenario(scenario, tools, directory, rounds, load_settings, progress):
    """The results: {variant: {contender: [figures of a round, ...]}}."""
    results = {}
    for variant in scenario.variants:
        with ExitStack() as stack:
            standing = {}
            for name in scenario.contenders:
                place = directory / f"{len(results)}-{name.replace(' ', '-')}"
                standing[name] = stack.enter_context(closing(make_contender(
                    name, tools, place, variant)))
            figures = {name: [] for name in standing}
            for number in range(rounds):
                # Each goes first as often as last.
                order = list(standing) if number % 2 == 0 else list(reversed(standing))
                for name in order:
                    progress(f"{variant.name}, round {number + 1} of {rounds}, {name}")
                    run = run_outage if variant.backlog else run_once
                    figures[name].append(
                        run(standing[name], tools, {**variant.load, **load_settings}))
        results[variant.name] = figures
    return results


def addressed(contender, settings, beside=False):
    """From Paris to all far sites; `beside`: to Berlin."""
    brokers, under = ([contender.beside], "beside") if beside else (contender.far, "wanted")
    return {"publish": contender.paris.port,
            "subscribe": ",".join(str(each.port) for each in brokers),
            "topic": f"bench/{under}/{next(run_numbers)}", **settings}


def run_once(contender, tools, settings):
    before, after, inflight = {}, {}, [0]

    def read(into):
        into["daemons"] = contender.daemons_cpu_s()
        into["sites"] = contender.sites_cpu_s()
        into["line"] = contender.line.bytes() if contender.line else 0

    # Only with a line: asking costs the daemon time.
    def watch():
        if contender.line:
            inflight.append(contender.inflight_bytes())

    figures = run_load(tools.mqtt_load, addressed(contender, settings), lambda: read(before),
                       watch, lambda: read(after))
    arrivals, seconds = max(figures["measured_arrivals"], 1), figures["measured_s"]
    daemons_s, sites_s = (after[who] - before[who] for who in ("daemons", "sites"))
    return {
        **figures,
        "rate": arrivals / seconds,
        "payload_mb_s": arrivals * settings.get("size", 200) / seconds / 1e6,
        "daemons_cpu_ms": daemons_s * 1e6 / arrivals,
        "brokers_cpu_ms": (sites_s - daemons_s) * 1e6 / arrivals,
        "sites_cpu_ms": sites_s * 1e6 / arrivals,
        "line_bytes": (after["line"] - before["line"]) / arrivals,
        "peak_mb": contender.peak_bytes() / 1e6,
        "line_mb_s": (after["line"] - before["line"]) / seconds / 1e6,
        "inflight_mb": max(inflight) / 1e6,
    }


def run_outage(contender, tools, settings):
    """What the contender can do at best, then an outage: how what waited drains, beside that."""
    best = run_load(tools.mqtt_load, addressed(contender, {**settings, **SATURATION}))
    saturation = max(best["measured_arrivals"] / best["measured_s"], SLOWEST)
    loads, first_s, last_s = cut_and_restore(contender, tools, settings, saturation)
    figures, live, beside = loads
    waited = figures["published"] - figures["measured_arrivals"]
    drain_rate = (waited - figures["missing"]) / max(last_s - first_s, TELLABLE_S)
    return {**figures,
            **{key: sum(each[key] for each in loads) for key in ("missing", "repeated", "late")},
            "backlog": waited, "first_s": first_s, "last_s": last_s, "saturation": saturation,
            "drain_rate": drain_rate, "drain_percent": 100 * drain_rate / saturation,
            "live_p99_ms": live["p99_ms"], "beside_p99_ms": beside["p99_ms"],
            "peak_mb": contender.peak_bytes() / 1e6}


def cut_and_restore(contender, tools, settings, saturation):
    """The line is cut while the backlog is published, at the rate of `saturation`. Live traffic
    begins with the first message that comes through again, behind the rest and to another site, for
    as long as the rest needs at that rate. The figures of the three, and when the first and the
    last message came, in seconds from the line's return."""
    outage_s = contender.variant.backlog / saturation
    patience_s = outage_s + OUTAGE_PATIENCE_S
    settings = {**settings, "warmup_ms": 0, "measured_ms": round(outage_s * 1000),
                "patience_ms": round(patience_s * 1000)}
    waiting_load, live_load = {**settings, "rate": saturation}, {**settings, "rate": LIVE_RATE}
    at, live, beside = {}, [], []

    def come_through():
        at["first"] = time.monotonic()
        beside.append(pool.submit(run_load, tools.mqtt_load,
                                  addressed(contender, live_load, beside=True)))

    def cut():
        contender.line.cut()
        # Before it begins, mqtt_load waits until one of its own has arrived: this one stands at
        # the head of all that waits.
        live.append(pool.submit(run_load, tools.mqtt_load, addressed(contender, live_load),
                                at_begin=come_through))

    def restore():
        contender.line.tell("restore")
        at["restored"] = time.monotonic()

    with ThreadPoolExecutor() as pool:
        figures = run_load(tools.mqtt_load, addressed(contender, waiting_load), at_begin=cut,
                           at_end=restore)
        # If something is lost, it has waited in vain since the last one.
        last = time.monotonic() - (patience_s if figures["missing"] else 0)
        loads = [figures, live[0].result(), beside[0].result()]
    return loads, at["first"] - at["restored"], last - at["restored"]
