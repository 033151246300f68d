"""The things benchmarks are made of: processes, brokers, daemons, a long line, and a load on them."""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

PATIENCE_S = 20
BROKER_DEFAULT = {}
BROKER_TUNED = {"max_inflight_messages": 1000, "max_queued_messages": 0, "set_tcp_nodelay": "true"}


handed_out = set()


def free_ports(count):
    """None of them given twice: who asked before may not listen yet."""
    held, ports = [], []
    while len(ports) < count:
        held.append(socket.socket())
        held[-1].bind(("127.0.0.1", 0))
        port = held[-1].getsockname()[1]
        if port not in handed_out:
            handed_out.add(port)
            ports.append(port)
    for each in held:
        each.close()
    return ports


def until(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.02)


def find_program(name):
    """Its path; none if it is not installed. Not every user's PATH has the servers."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A program of ours, with its output in a file; ended by close()."""

    def __init__(self, arguments, log, **more):
        with open(log, "ab") as output:
            self.child = subprocess.Popen([str(each) for each in arguments], stderr=output,
                                          **{"stdin": subprocess.DEVNULL, "stdout": output, **more})

    def cpu_s(self):
        """Processor time of all its threads so far, in seconds."""
        total_ns = 0
        for task in Path(f"/proc/{self.child.pid}/task").iterdir():
            total_ns += int((task / "schedstat").read_text().split()[0])
        return total_ns / 1e9

    def peak_bytes(self):
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def close(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Broker(Process):
    """A mosquitto with `settings` above its defaults, and `more` lines at the end."""

    def __init__(self, directory, settings, more=()):
        directory.mkdir(parents=True)
        self.port, = free_ports(1)
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "log_dest stderr",
                 "log_type error", "log_type warning"]
        lines += [f"{name} {value}" for name, value in settings.items()]
        if os.geteuid() == 0:
            lines.append("user root")  # it may read this directory
        lines += more
        configuration = directory / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        super().__init__([find_program("mosquitto"), "-c", configuration], directory / "log")
        until(f"broker {directory.name}", lambda: accepts(self.port))


class NatsServer(Process):
    """A nats-server as MQTT broker; `leaf_nodes` is that part of its configuration."""

    def __init__(self, directory, leaf_nodes):
        directory.mkdir(parents=True)
        self.port, = free_ports(1)
        configuration = directory / "nats.conf"
        # Without a domain each, the sites share their sessions and close each other's clients.
        configuration.write_text(f"""server_name: {directory.name}
listen: "127.0.0.1:-1"
jetstream {{ store_dir: "{directory / "store"}", domain: {directory.name} }}
mqtt {{ listen: "127.0.0.1:{self.port}" }}
leafnodes {{ {leaf_nodes} }}
""")
        super().__init__([find_program("nats-server"), "-c", configuration], directory / "log")
        until(f"broker {directory.name}", lambda: accepts(self.port))


class Daemon(Process):
    """An mqtt-linkd; `links` holds for every peer the text of its file, `client` is its
    `broker.client`."""

    def __init__(self, program, directory, broker_port, daemon_text, links,
                 client="native"):
        (directory / "links.d").mkdir(parents=True)
        self.admin_port, = free_ports(1)
        configuration = directory / "mqtt-linkd.yaml"
        configuration.write_text(f"""deployment: {directory.name}
broker:
  server: mqtt://127.0.0.1:{broker_port}
  client: {client}
admin:
  server: http://127.0.0.1:{self.admin_port}
state_dir: {directory / "state"}
log: {{ level: warning }}
{daemon_text}""")
        for peer, text in links.items():
            (directory / "links.d" / f"{peer}.yaml").write_text(f"name: {peer}\n{text}")
        super().__init__([program, "-c", configuration], directory / "log")

    def metric(self, name):
        """The sum of the series of that name."""
        url = f"http://127.0.0.1:{self.admin_port}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M)
        return sum(float(value) for value in found)

    def link_is_up(self):
        try:
            return self.metric("mqtt_linkd_link_up") > 0
        except OSError:
            return False


class Line(Process):
    """A long line to a port: bytes arrive half a round trip later."""

    def __init__(self, program, log, target_port, round_trip_ms):
        super().__init__([program, target_port, round_trip_ms / 2], log, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())

    def tell(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()

    def cut(self):
        """Nothing comes through any more when it returns."""
        self.tell("cut")
        self.bytes()  # commands are obeyed in turn

    def bytes(self):
        """What came through so far, both ways together."""
        self.tell("bytes")
        return sum(int(each) for each in self.child.stdout.readline().split())


def nothing():
    pass


def run_load(program, settings, at_begin=nothing, meanwhile=nothing, at_end=nothing):
    """Runs mqtt_load; calls what is given as the measured time begins, during it, and as it ends."""
    arguments = [str(program)] + [f"{name}={value}" for name, value in settings.items()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as load:
        for line in load.stdout:
            if line == "measuring\n":
                at_begin()
                while not select.select([load.stdout], [], [], 0.1)[0]:
                    meanwhile()
            elif line == "measured\n":
                at_end()
            else:
                return json.loads(line)
    raise RuntimeError(f"failed: {' '.join(arguments)}")
