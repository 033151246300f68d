"""Runs a scenario: all contenders stand side by side and are loaded in turn, round after round."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

from tests.bench.contenders import make_contender
from tests.bench.lab import run_load

run_numbers = itertools.count(1)
OUTAGE_PATIENCE_MS = 60000  # to dial again, and for what waits behind it


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
                    settings = {**variant.load, **load_settings}
                    run = run_outage if variant.outage else run_once
                    figures[name].append(run(standing[name], tools, settings))
        results[variant.name] = figures
    return results


def addressed(contender, settings):
    return {"publish": contender.paris.port,
            "subscribe": ",".join(str(each.port) for each in contender.far),
            "topic": f"bench/wanted/{next(run_numbers)}", **settings}


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
    """The line is cut while the load is published; then more load comes while the rest drains."""
    restored, live = [], []

    def restore():
        contender.line.tell("restore")
        restored.append(time.monotonic())
        more = {**settings, "rate": 1000, "warmup_ms": 0, "measured_ms": 5000,
                "patience_ms": OUTAGE_PATIENCE_MS}
        live.append(pool.submit(run_load, tools.mqtt_load, addressed(contender, more),
                                lambda: None, lambda: None, lambda: None))

    with ThreadPoolExecutor() as pool:
        figures = run_load(tools.mqtt_load,
                           addressed(contender, {**settings, "patience_ms": OUTAGE_PATIENCE_MS}),
                           lambda: contender.line.tell("cut"), lambda: None, restore)
        recovery_s = time.monotonic() - restored[0]
        after = live[0].result()
    backlog = figures["published"] - figures["measured_arrivals"]
    return {**figures, "missing": figures["missing"] + after["missing"], "backlog": backlog,
            "recovery_s": recovery_s, "drain_rate": backlog / recovery_s,
            "live_p99_ms": after["p99_ms"], "peak_mb": contender.peak_bytes() / 1e6}
