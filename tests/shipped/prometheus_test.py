#!/usr/bin/python3
"""A real Prometheus scrapes real daemons, and every query of the dashboard and every metric of the
alerting rules has data there; mqtt-linkd(8) lists what is scraped; every series is there before the
first message: prometheus_test.py DAEMON ETC"""

import json
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

from sites import Site, World, eventually, free_port, get

# What Grafana puts in for its variables.
VARIABLES = {
    "$job": ".*",
    "$instance": ".*",
    "$link": ".*",
    "$__rate_interval": "15s",
    "$__range": "1m",
}


def make_sites(world, daemon):
    """a and b linked with each other, and a link of a that never comes up, with a certificate."""
    a, b = Site(world, "a", daemon), Site(world, "b", daemon)
    certificate = world.directory / "link.pem"
    key = world.directory / "link.key"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=a",
            "-days",
            "30",
            "-out",
            certificate,
            "-keyout",
            key,
        ],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    a.write_link("b", f"server: mqtt://127.0.0.1:{b.broker_port}\ntopics: [to-a]\n")
    b.write_link("a", "topics: [to-b]\n")
    a.write_link(
        "never",
        "server: mqtts://127.0.0.1:1\n" f"tls: {{ cert_file: {certificate}, key_file: {key} }}\n",
    )
    a.start()
    b.start()
    return a, b


def start_prometheus(world, sites, rules):
    port = free_port()
    configuration = world.directory / "prometheus.yml"
    targets = ", ".join(f"'127.0.0.1:{site.admin_port}'" for site in sites)
    configuration.write_text(
        "global: { scrape_interval: 1s, evaluation_interval: 1s }\n"
        f"rule_files: ['{rules}']\n"
        "scrape_configs:\n  - job_name: mqtt-linkd\n"
        f"    static_configs: [{{ targets: [{targets}] }}]\n"
    )
    world.start(
        "prometheus",
        "prometheus",
        f"--config.file={configuration}",
        f"--storage.tsdb.path={world.directory}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    address = f"http://127.0.0.1:{port}"
    eventually("Prometheus", lambda: get(f"{address}/-/ready"))
    return address


def answer(prometheus, query):
    text = get(f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": query}))
    return json.loads(text)["data"]["result"] if text else []


def has_numbers(prometheus, query):
    return [one for one in answer(prometheus, query) if one["value"][1] != "NaN"]


def dashboard_queries(dashboard):
    for panel in dashboard["panels"]:
        assert panel["title"] and panel["targets"], panel
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            assert "$" not in query, query
            yield panel["title"], query
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(
                r"label_values\((\w+).*, (\w+)\)", variable["definition"]
            ).groups()
            yield variable["label"], f"count by ({label}) ({metric})"


# What counts messages of a link, and by what besides the link.
REASONS = (
    "overflow age expired oversize loop rejected not_wanted damaged qos0_down purged".split()
)
COUNTERS = {
    "messages_sent_total": {},
    "messages_acked_total": {},
    "messages_received_total": {},
    "messages_published_total": {},
    "messages_dropped_total": {"reason": REASONS},
    "payload_bytes_total": {"direction": ["in", "out"]},
    "queue_messages": {},
    "queue_bytes": {},
    "queue_oldest_timestamp_seconds": {},
    "inflight_bytes": {},
    "delivery_latency_seconds_count": {},
    "delivery_latency_seconds_sum": {},
}
# Of a link, but not 0 on one that is up.
OTHERS = {
    "link_up": {},
    "link_connects_total": {},
    "link_rtt_seconds": {},
    "queue_limit_bytes": {},
    "link_state": {"state": "disabled connecting handshaking up refused down paused".split()},
    "wire_bytes_total": {"direction": ["in", "out"]},
    "interest_filters": {"direction": ["in", "out"]},
    "interest_updates_total": {"direction": ["in", "out"]},
}
LABELS = {"link", "direction", "reason", "state", "le", "version", "file"}


def samples(metrics):
    """{(name without mqtt_linkd_, labels): value}"""
    found = {}
    for name, labels, value in re.findall(r"^mqtt_linkd_(\w+)(?:{(.*)})? (\S+)$", metrics, re.M):
        found[name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))] = float(value)
    return found


def check_before_traffic(metrics, links):
    found = samples(metrics)
    for (name, labels), value in found.items():
        assert {label for label, _ in labels} <= LABELS, (name, labels)
    for link in links:
        for name, label in {**COUNTERS, **OTHERS}.items():
            [(key, values)] = label.items() or [(None, [None])]
            for value in values:
                series = name, frozenset({("link", link)} | ({(key, value)} if key else set()))
                assert series in found, series
                assert name in OTHERS or found[series] == 0, (series, found[series])
    for name in ("messages_captured_total", "broker_sessions_lost_total"):
        assert found[name, frozenset()] == 0, name
    for name in (
        "broker_up",
        "commit_seconds_count",
        "config_last_reload_successful",
        "config_last_reload_timestamp_seconds",
    ):
        assert (name, frozenset()) in found, name


def check_manual(page, metrics):
    """Each metric is an item with its labels, and begins with the help text."""
    section = re.search(r"^\.Sh METRICS\n(.*?)^\.Sh ", page, re.M | re.S)[1]
    documented = dict(re.findall(r"^\.It Li (\S+)\n(.*)$", section, re.M))
    scraped = {}
    for name, text in re.findall(r"^# HELP (\S+) (.*)$", metrics, re.M):
        sample = re.search(rf"^{name}(?:_count)?(?:{{(.*)}})? ", metrics, re.M)
        labels = ",".join(re.findall(r'(\w+)="', sample[1] or ""))
        scraped[f"{name}{{{labels}}}" if labels else name] = text
    assert documented == scraped, set(documented.items()) ^ set(scraped.items())


def main(daemon, etc):
    etc = Path(etc)
    dashboard = json.loads((etc / "grafana/mqtt-linkd.json").read_text())
    rules = etc / "prometheus/alerts.yml"
    with World() as world:
        a, b = make_sites(world, daemon)
        prometheus = start_prometheus(world, (a, b), rules)
        eventually("the link", lambda: 'mqtt_linkd_link_up{link="a"} 1' in b.metrics())
        eventually("b's interest", lambda: 'filters{link="b",direction="in"} 1' in a.metrics())
        check_before_traffic(a.metrics(), ("b", "never"))
        check_before_traffic(b.metrics(), ("a",))

        # There is nothing to divide or count before something was sent.
        def has_data(query):
            a.publish("to-b", "one", "two")
            b.publish("to-a", "three")
            return has_numbers(prometheus, query)

        queries = list(dashboard_queries(dashboard))
        for title, query in queries:
            eventually(f"{title}: data for {query}", lambda: has_data(query))
        metrics = sorted(set(re.findall(r"\bmqtt_linkd_\w+", rules.read_text())))
        for metric in metrics:
            eventually(f"alerts.yml: data for {metric}", lambda: answer(prometheus, metric))
        for site in (a, b):
            for name in ("to-a", "to-b", "mqtt-linkd-"):
                assert name not in site.metrics(), f"a label carries {name}"
        check_manual((etc / "man/mqtt-linkd.8.in").read_text(), a.metrics())
        found = subprocess.run(
            ["promtool", "check", "metrics"], input=a.metrics(), text=True, capture_output=True
        )
        assert found.returncode == 0, found.stdout + found.stderr
    print(
        f"{len(queries)} queries of the dashboard and {len(metrics)} metrics of the rules have data"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
