"""Deployments for tests in Python: a mosquitto broker and a daemon each, on free loopback ports, with
their files in a temporary directory."""

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_S = 30
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def eventually(what, condition, patience_s=PATIENCE_S):
    """What the condition returns once that is true; an error, naming `what`, after the patience."""
    deadline = time.monotonic() + patience_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience_s} s")
        time.sleep(0.05)
    return result


def get(url):
    """The body, or nothing while there is none."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return ""


class World:
    """Everything a test starts. As a context manager: ends it all, in the reverse order."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="linkd-test-"))
        self._processes = []

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        for process in reversed(self._processes):
            self.stop(process)
        if failure:
            for log in sorted(self.directory.glob("*.log")):
                print(f"--- {log.name}", *log.read_text().splitlines()[-20:], sep="\n")
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, name, *command, **options):
        with open(self.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,
            )
        self._processes.append(process)
        return process

    @staticmethod
    def stop(process):
        process.terminate()
        try:
            return process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


class Site:
    """One deployment. The broker runs on return; start() starts the daemon."""

    def __init__(self, world, name, daemon):
        self.name, self._world, self._daemon = name, world, daemon
        self.broker_port, self.admin_port = free_port(), free_port()
        self.directory = world.directory / name
        (self.directory / "links.d").mkdir(parents=True)
        self.admin = f"http://127.0.0.1:{self.admin_port}"
        self.configuration = self.directory / "mqtt-linkd.yaml"
        self.configuration.write_text(
            f"deployment: {name}\nbroker: {{ server: mqtt://127.0.0.1:{self.broker_port} }}\n"
            f"admin: {{ server: {self.admin} }}\nstate_dir: state\n"
        )
        broker = self.directory / "mosquitto.conf"
        broker.write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            "set_tcp_nodelay true\n"
        )
        world.start(f"{name}-broker", MOSQUITTO, "-c", broker)
        eventually(f"broker of {name}", self._accepts)

    def _accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.broker_port)) == 0

    def write_link(self, peer, yaml):
        (self.directory / "links.d" / f"{peer}.yaml").write_text(f"name: {peer}\n{yaml}")

    def start(self):
        process = self._world.start(f"{self.name}-daemon", self._daemon, "-c", self.configuration)
        eventually(f"daemon of {self.name}", lambda: get(f"{self.admin}/livez"))
        return process

    def metrics(self):
        return get(f"{self.admin}/metrics")

    def publish(self, topic, *payloads):
        subprocess.run(
            ["mosquitto_pub", "-V", "5", "-p", str(self.broker_port), "-q", "1", "-t", topic, "-l"],
            input="\n".join(payloads),
            text=True,
            check=True,
            timeout=PATIENCE_S,
        )
