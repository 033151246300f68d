"""Runs a scenario: all contenders stand side by side and are loaded in turn, round after round."""

import itertools
from contextlib import ExitStack, closing

from tests.bench.contenders import make_contender
from tests.bench.lab import run_load

run_numbers = itertools.count(1)


def run_scenario(scenario, tools, directory, rounds, load_settings, progress):
    """The results: {variant: {contender: [figures of a round, ...]}}."""
    results = {}
    for variant in scenario.variants:
        with ExitStack() as stack:
            standing = {}
            for name in scenario.contenders:
                place = directory / f"{len(results)}-{name.replace(' ', '-')}"
                standing[name] = stack.enter_context(closing(make_contender(
                    name, tools, place, variant.brokers, variant.round_trip_ms)))
            figures = {name: [] for name in standing}
            for number in range(rounds):
                # Each goes first as often as last.
                order = list(standing) if number % 2 == 0 else list(reversed(standing))
                for name in order:
                    progress(f"{variant.name}, round {number + 1} of {rounds}, {name}")
                    settings = {**variant.load, **load_settings}
                    figures[name].append(run_once(standing[name], tools, settings))
        results[variant.name] = figures
    return results


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

    settings = {"publish": contender.paris.port, "subscribe": contender.london.port,
                "topic": f"bench/{next(run_numbers)}", **settings}
    figures = run_load(tools.mqtt_load, settings, lambda: read(before), watch,
                       lambda: read(after))
    arrivals, seconds = max(figures["measured_arrivals"], 1), figures["measured_s"]
    return {
        **figures,
        "rate": arrivals / seconds,
        "payload_mb_s": arrivals * settings.get("size", 200) / seconds / 1e6,
        "daemons_cpu_ms": (after["daemons"] - before["daemons"]) * 1e6 / arrivals,
        "sites_cpu_ms": (after["sites"] - before["sites"]) * 1e6 / arrivals,
        "line_mb_s": (after["line"] - before["line"]) / seconds / 1e6,
        "inflight_mb": max(inflight) / 1e6,
    }
