#!/usr/bin/env python3
"""Live interest with whole daemons: clients in London subscribe and leave, and Paris's daemon sends
what they want. Prints figures; fails if a message that settled interest wanted is lost, or if what
is announced does not become what is subscribed to. tests/bench/RESULTS.md says what was found.

  appear   how long after a client's SUBSCRIBE the first message arrives, and how long after its
           UNSUBSCRIBE the last one crosses; with nothing else subscribed to
  churn    many subscriptions of which many change every second; then `appear` again, meanwhile"""

import argparse
import itertools
import json
import selectors
import socket
import struct
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

from tests.bench.lab import BROKER_TUNED, Broker, Daemon, Process, accepts, until  # noqa: E402

LINGER_S = 10  # the default
CLIENTS = 100
SETTLED = 20


class Client:
    """An MQTT 3.1.1 client with a clean session; a thread reads for all of them."""

    selector = selectors.DefaultSelector()

    def __init__(self, port, name, on_message=None):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.on_message = on_message
        self.ids = itertools.cycle(range(1, 65536))
        self.unanswered = 0
        self.input = b""
        self.lock = threading.Lock()
        self.send(0x10, text("MQTT") + bytes([4, 2, 0, 0]) + text(name))
        assert self.socket.recv(4) == b"\x20\x02\x00\x00"
        self.selector.register(self.socket, selectors.EVENT_READ, self)

    def send(self, kind, body):
        size, length = len(body), b""
        while True:
            size, low = size >> 7, size & 127
            length += bytes([low | (128 if size else 0)])
            if not size:
                break
        with self.lock:
            self.socket.sendall(bytes([kind]) + length + body)

    def request(self, kind, body):
        self.unanswered += 1
        self.send(kind, struct.pack(">H", next(self.ids)) + body)

    def subscribe(self, filters):
        self.request(0x82, b"".join(text(each) + b"\x01" for each in filters))

    def unsubscribe(self, filters):
        self.request(0xA2, b"".join(text(each) for each in filters))

    def publish(self, topic, payload):
        self.unanswered += 1
        self.send(0x32, text(topic) + struct.pack(">H", next(self.ids)) + payload)

    def on_readable(self):
        self.input += self.socket.recv(1 << 16)
        while (packet := self.take()) is not None:
            kind, body = packet
            if kind >> 4 != 3:
                self.unanswered -= 1
                continue
            size = 2 + struct.unpack_from(">H", body)[0]
            if kind & 6:
                self.send(0x40, body[size:size + 2])
                payload = body[size + 2:]
            else:
                payload = body[size:]
            if self.on_message:
                self.on_message(body[2:size].decode(), payload)

    def take(self):
        length, shift, at = 0, 0, 1
        while at < len(self.input):
            length |= (self.input[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if self.input[at - 1] < 128:
                if len(self.input) < at + length:
                    return None
                packet = self.input[0], self.input[at:at + length]
                self.input = self.input[at + length:]
                return packet
        return None

    @classmethod
    def read_all(cls):
        while True:
            for key, _ in cls.selector.select(0.2):
                key.data.on_readable()


def text(value):
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded


class Followed(Broker):
    """A broker that keeps its sessions and logs to topics."""

    def __init__(self, directory):
        super().__init__(directory, {
            **BROKER_TUNED, "persistence": "true", "persistence_location": f"{directory}/",
            "sys_interval": 1, "log_dest": "topic", "log_type notice": "",
            "log_type subscribe": "", "log_type unsubscribe": "", "max_connections": -1})
        self.arguments = self.child.args
        self.log = directory / "log"

    def restart(self):
        self.close()
        Process.__init__(self, self.arguments, self.log)
        until("broker again", lambda: accepts(self.port))


class Sites:
    def __init__(self, stack, daemon, directory):
        keep = lambda each: stack.enter_context(closing(each))
        self.paris_broker = keep(Broker(directory / "broker-paris", BROKER_TUNED))
        self.london_broker = keep(Followed(directory / "broker-london"))
        self.london = keep(Daemon(
            daemon, directory / "london", self.london_broker.port,
            "interest: { source: mosquitto }\n", {"paris": 'topics: ["#"]\n'}))
        self.paris = keep(Daemon(
            daemon, directory / "paris", self.paris_broker.port, "",
            {"london": f"server: mqtt://127.0.0.1:{self.london_broker.port}\ntopics: []\n"}))
        log = (directory / "london" / "log").read_text
        until("link", self.paris.link_is_up)
        # Our session is there; then the log is followed from the broker's start.
        until("counts", lambda: self.is_live() or "older than" in log())
        seen = log().count("interest_static")
        self.london_broker.restart()
        until("another run of the broker", lambda: log().count("interest_static") > seen)
        until("live interest", self.is_live)
        until("nothing captured", lambda: self.figure(self.paris, "capture_filters") == 0)

    def is_live(self):
        return self.figure(self.london, "interest_complete") == 1

    @staticmethod
    def figure(of, name):
        try:
            return of.metric("mqtt_linkd_" + name)
        except OSError:
            return None

    def processes(self):
        return {"daemon London": self.london, "daemon Paris": self.paris,
                "broker London": self.london_broker, "broker Paris": self.paris_broker}


def appear(sites, rounds, alone=True):
    """Publishes every 2 ms to topics on which a subscriber appears and disappears. Nothing else may
    cross where it is told when the last message does: `alone`."""
    arrivals = {}
    subscriber = Client(sites.london_broker.port, "appearing",
                        lambda topic, _: arrivals.setdefault(topic, time.monotonic()))
    publisher = Client(sites.paris_broker.port, "publisher-appear")
    first, last = [], []
    for number in range(rounds):
        topic = f"appear/{number}/{time.monotonic_ns()}"
        begun = time.monotonic()
        subscriber.subscribe([topic])
        while topic not in arrivals:
            publisher.publish(topic, b"x")
            time.sleep(0.002)
            assert time.monotonic() - begun < 30, "no message arrives"
        first.append(arrivals[topic] - begun)
        subscriber.unsubscribe([topic])
        if number % 4 or not alone:
            continue
        gone = crossed = time.monotonic()
        captured = 0
        while time.monotonic() - crossed < 2 and time.monotonic() - gone < 3 * LINGER_S + 10:
            publisher.publish(topic, b"x")
            now = sites.figure(sites.paris, "messages_captured_total")
            if now != captured:
                captured, crossed = now, time.monotonic()
            time.sleep(0.02)
        last.append(crossed - gone)
    figures = {"first message after SUBSCRIBE ms": spread(first, 1e3)}
    if alone:
        figures[f"last message after UNSUBSCRIBE s, linger {LINGER_S} s"] = spread(last, 1)
    return figures


def spread(values, factor):
    return {"median": round(median(values) * factor, 1), "min": round(min(values) * factor, 1),
            "max": round(max(values) * factor, 1), "n": len(values)}


def filter_of(number):
    return f"fleet/{number % 500}/truck/{number}/" + (
        "#" if number % 20 == 0 else "+" if number % 7 == 0 else "position")


class Churn:
    """`rate` changes a second of `count` subscriptions: every second one withdraws the oldest."""

    def __init__(self, port, count, rate):
        self.rate = rate
        self.clients = [Client(port, f"client-{each}") for each in range(CLIENTS)]
        self.oldest, self.next = 0, count
        for begin in range(0, count, 100):
            client = self.clients[begin // 100 % CLIENTS]
            client.subscribe([filter_of(each) for each in range(begin, begin + 100)])
            until("SUBACK", lambda: client.unanswered < 10)
        until("SUBACKs", self.answered)

    def answered(self):
        return all(each.unanswered == 0 for each in self.clients)

    def client_of(self, number):
        return self.clients[number // 100 % CLIENTS]

    def run(self, seconds):
        """The changes made."""
        begun, made = time.monotonic(), 0
        while (now := time.monotonic() - begun) < seconds:
            while made < now * self.rate:
                self.client_of(self.next).subscribe([filter_of(self.next)])
                self.client_of(self.oldest).unsubscribe([filter_of(self.oldest)])
                self.next, self.oldest, made = self.next + 1, self.oldest + 1, made + 2
            time.sleep(0.005)
        until("answers", self.answered)
        return made


class Settled:
    """Messages for filters that are subscribed to all the time."""

    def __init__(self, sites):
        self.arrived = set()
        self.subscriber = Client(sites.london_broker.port, "settled",
                                 lambda _, payload: self.arrived.add(payload))
        self.subscriber.subscribe([f"settled/{each}" for each in range(SETTLED)])
        self.publisher = Client(sites.paris_broker.port, "publisher-settled")
        self.published = 0
        self.running = True
        until("settled", lambda: self.first_arrives())
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def first_arrives(self):
        for each in range(SETTLED):
            self.publisher.publish(f"settled/{each}", b"probe%d" % each)
        return len(self.arrived) == SETTLED

    def run(self):
        while self.running:
            self.publisher.publish(f"settled/{self.published % SETTLED}", b"%d" % self.published)
            self.published += 1
            time.sleep(0.005)

    def end(self):
        """Messages lost."""
        self.running = False
        self.thread.join()
        expected = {b"%d" % each for each in range(self.published)}
        deadline = time.monotonic() + 30
        while expected - self.arrived and time.monotonic() < deadline:
            time.sleep(0.1)
        return len(expected - self.arrived)


def churn(sites, count, rate, seconds):
    settled = Settled(sites)
    crowd = Churn(sites.london_broker.port, count, rate)
    local = lambda: sites.figure(sites.london, "interest_local_filters")
    until("all followed", lambda: local() == count + SETTLED)
    # Above 10,000, lingering ones included, summaries are announced.
    announced = lambda: sites.london.metric("mqtt_linkd_interest_filters")
    wanted = lambda: sites.figure(sites.paris, "capture_filters")
    converged = lambda: wanted() == announced() > 0 and (
        count > 5000 or wanted() == count + SETTLED)
    until("all captured", converged)
    figures = {"subscriptions": count}
    before = {name: each.cpu_s() for name, each in sites.processes().items()}
    begun = time.monotonic()
    sample = {}
    meanwhile = threading.Thread(target=lambda: sample.update(appear(sites, 8, alone=False)))
    meanwhile.start()
    made = crowd.run(seconds)
    lasted = time.monotonic() - begun
    figures["changes/s"] = round(made / lasted)
    figures["CPU % of a core"] = {
        name: round(100 * (each.cpu_s() - before[name]) / lasted, 1)
        for name, each in sites.processes().items()}
    ended = time.monotonic()
    meanwhile.join()
    until("local view equals what is subscribed to", lambda: local() == count + SETTLED)
    figures["peak RSS MiB"] = {name: round(each.peak_bytes() / 2**20)
                               for name, each in sites.processes().items()}
    until("what is announced is what is wanted and captured", converged)
    figures["announced, captured"] = wanted()
    figures["converged after s"] = round(time.monotonic() - ended, 1)
    figures["messages for settled interest"] = settled.published
    figures["lost"] = settled.end()
    figures["complete"] = sites.is_live()
    figures["meanwhile"] = sample
    assert figures["lost"] == 0 and figures["complete"], figures
    return figures


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=["appear", "churn"])
    parser.add_argument("--rounds", type=int, default=20, help="of appear")
    parser.add_argument("--subscriptions", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=1000, help="changes a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--binaries", type=Path, default=ROOT / "build" / "release")
    return parser.parse_args()


def main():
    options = parse()
    threading.Thread(target=Client.read_all, daemon=True).start()
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        sites = Sites(stack, options.binaries / "src/cli/mqtt-linkd", Path(place))
        if options.scenario == "appear":
            figures = appear(sites, options.rounds)
        else:
            figures = churn(sites, options.subscriptions, options.rate, options.seconds)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
