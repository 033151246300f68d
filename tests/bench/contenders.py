"""What is compared: ways to bring messages from Paris's broker to London's."""

from dataclasses import replace

from tests.bench.lab import Broker, Daemon, Line, free_ports


class Contender:
    """Two brokers and what links them: what is published at Paris arrives in London."""

    def __init__(self, tools, directory, broker_settings, round_trip_ms):
        self.tools = tools
        self.directory = directory
        self.round_trip_ms = round_trip_ms
        self.processes = []
        self.daemons = []
        self.line = None
        try:
            self.paris = self.keep(Broker(directory / "broker-paris", broker_settings))
            self.london = self.keep(Broker(directory / "broker-london", broker_settings))
            self.link()
        except BaseException:
            self.close()
            raise

    def keep(self, process):
        self.processes.append(process)
        return process

    def through_line(self, port):
        """The port to use to reach `port` from the other site."""
        if self.round_trip_ms is None:
            return port
        self.line = Line(self.tools.delay_line, self.directory / "line.log", port,
                         self.round_trip_ms)
        return self.line.port

    def link(self):
        raise NotImplementedError

    def sites_cpu_s(self):
        """Of brokers, and of daemons if there are any."""
        return sum(each.cpu_s() for each in self.processes)

    def daemons_cpu_s(self):
        return sum(each.cpu_s() for each in self.daemons)

    def inflight_bytes(self):
        """On the link and not yet acknowledged, now."""
        return self.daemons[0].metric("mqtt_linkd_inflight_bytes") if self.daemons else 0

    def close(self):
        for each in reversed(self.processes):
            each.close()
        if self.line:
            self.line.close()


class Linked(Contender):
    """Ours. Paris dials London. A subclass tells what the files say of the way between them: in
    London's own, in London's and in Paris's file of the link."""

    def link(self):
        listening, accepting, dialling = self.way()
        london = Daemon(self.tools.daemon, self.directory / "london", self.london.port, listening,
                        {"paris": accepting + 'topics: ["bench/#"]\n'})
        self.daemons.append(self.keep(london))
        paris = Daemon(self.tools.daemon, self.directory / "paris", self.paris.port, "",
                       {"london": dialling + "topics: []\n"})
        self.daemons.insert(0, self.keep(paris))


class ThroughBroker(Linked):
    """The daemons meet at London's broker."""

    def way(self):
        return "", "", f"server: mqtt://127.0.0.1:{self.through_line(self.london.port)}\n"


class Direct(Linked):
    """Paris's daemon dials London's."""

    def way(self):
        port, = free_ports(1)
        password = self.directory / "password"
        password.write_text("bench\n")
        password.chmod(0o600)
        return (f"listen: {{ server: 'ws://127.0.0.1:{port}' }}\n",
                f"accept: {{ password_file: {password} }}\n",
                f"server: ws://127.0.0.1:{self.through_line(port)}\n"
                f"password_file: {password}\n")


CONTENDERS = {"mqtt": ThroughBroker, "ws": Direct}
BEFORE = " before"  # behind the name of one of ours: with the older daemon


def is_ours(name):
    return issubclass(CONTENDERS[name.removesuffix(BEFORE)], Linked)


def make_contender(name, tools, *more):
    if name.endswith(BEFORE):
        tools = replace(tools, daemon=tools.daemon_before)
    return CONTENDERS[name.removesuffix(BEFORE)](tools, *more)
