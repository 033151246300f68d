"""What is compared: ways to bring messages from Paris's broker to London's."""

import json
from dataclasses import replace

from tests.bench.lab import Broker, Daemon, Line, NatsServer, find_program, free_ports

TOPIC_ALL, TOPIC_WANTED, TOPIC_BESIDE = "bench/#", "bench/wanted/#", "bench/beside/#"


class Contender:
    """A broker in Paris, one or more far away, and what links them: what is published under
    TOPIC_WANTED in Paris arrives at all the others. If the variant says so, there is one more,
    Berlin, without a line: what is published under TOPIC_BESIDE arrives there, and only that."""

    broker_program = "mosquitto"

    def __init__(self, tools, directory, variant):
        self.tools = tools
        self.directory = directory
        self.variant = variant
        self.processes = []
        self.daemons = []
        self.line = None
        directory.mkdir(parents=True)
        try:
            self.far_sites = [f"london-{number}" for number in range(variant.links)]
            self.far = [self.keep(self.far_broker(directory / f"broker-{name}"))
                        for name in self.far_sites]
            self.beside = (self.keep(self.far_broker(directory / "broker-berlin"))
                           if variant.beside else None)
            self.link()
        except BaseException:
            self.close()
            raise

    def keep(self, process):
        self.processes.append(process)
        return process

    def through_line(self, port):
        """The port to use to reach `port` from the other site; of Berlin, the last one, itself."""
        if self.variant.round_trip_ms is None or (self.beside and self.line):
            return port
        if self.line:
            raise ValueError("a line reaches one site only")
        self.line = Line(self.tools.delay_line, self.directory / "line.log", port,
                         self.variant.round_trip_ms)
        return self.line.port

    def far_broker(self, directory):
        return Broker(directory, self.variant.brokers)

    def start_paris(self, more=()):
        self.paris = self.keep(
            Broker(self.directory / "broker-paris", self.variant.brokers, more))

    def link(self):
        raise NotImplementedError

    def wanted_by(self, usual):
        """Name, broker and wanted topics of every site to link to; Berlin, if any, comes last."""
        sites = [(name, broker, usual) for name, broker in zip(self.far_sites, self.far)]
        return sites + ([("berlin", self.beside, [TOPIC_BESIDE])] if self.beside else [])

    def sites_cpu_s(self):
        """Of brokers, and of daemons if there are any."""
        return sum(each.cpu_s() for each in self.processes)

    def daemons_cpu_s(self):
        return sum(each.cpu_s() for each in self.daemons)

    def inflight_bytes(self):
        """On the link and not yet acknowledged, now."""
        return self.daemons[0].metric("mqtt_linkd_inflight_bytes") if self.daemons else 0

    def peak_bytes(self):
        """Of what queues."""
        return self.paris.peak_bytes()

    def close(self):
        for each in reversed(self.processes):
            each.close()
        if self.line:
            self.line.close()


class Bridge(Contender):
    """mosquitto's own: what people use today. It cannot know what is wanted and copies it all."""

    def link(self):
        lines = []
        for name, broker, (topic,) in self.wanted_by([TOPIC_ALL]):
            lines += [f"connection {name}", f"address 127.0.0.1:{self.through_line(broker.port)}",
                      f"topic {topic} out 1", "cleansession false", "notifications false",
                      "restart_timeout 1"]
        self.start_paris(lines)


class NatsLeaf(Contender):
    """nats-servers, Paris's a leaf node of the others. QoS 1 arrives as QoS 1, but all of it
    crosses, wanted or not, and nothing is kept for a site out of reach: what is published meanwhile
    is acknowledged and lost. So it has no place where a line is cut."""

    broker_program = "nats-server"

    def __init__(self, *more):
        self.leaf_urls = []
        super().__init__(*more)

    def far_broker(self, directory):
        port, = free_ports(1)
        reached_at = self.through_line(port)
        self.leaf_urls.append(f"nats-leaf://127.0.0.1:{reached_at}")
        # Unless told, it would advertise a way around the line.
        return NatsServer(directory, f'listen: "127.0.0.1:{port}", '
                                     f'advertise: "127.0.0.1:{reached_at}"')

    def link(self):
        remotes = ", ".join(f'{{ url: "{url}" }}' for url in self.leaf_urls)
        self.paris = self.keep(NatsServer(self.directory / "broker-paris",
                                          f"remotes: [{remotes}]"))


class Linked(Contender):
    """Ours. Paris dials the others. A subclass tells what the files say of the way between them: in
    London's own, in London's and in Paris's file of the link."""

    client = "native"
    more = ""  # in both files of the link

    def link(self):
        self.start_paris()
        links = {}
        wanted = [TOPIC_WANTED, *(f"other/{i}" for i in range(1, self.variant.filters))]
        for name, broker, filters in self.wanted_by(wanted):
            listening, accepting, dialling = self.way(broker)
            daemon = Daemon(self.tools.daemon, self.directory / name, broker.port, listening,
                            {"paris": f"{accepting}topics: {json.dumps(filters)}\n{self.more}"},
                            self.client)
            self.daemons.append(self.keep(daemon))
            links[name] = f"{dialling}topics: []\n{self.more}"
        paris = Daemon(self.tools.daemon, self.directory / "paris", self.paris.port, "", links,
                       self.client)
        self.daemons.insert(0, self.keep(paris))

    def peak_bytes(self):
        """Of what queues."""
        return self.daemons[0].peak_bytes()


class ThroughBroker(Linked):
    """The daemons meet at London's broker."""

    def way(self, broker):
        return "", "", f"server: mqtt://127.0.0.1:{self.through_line(broker.port)}\n"


class Direct(Linked):
    """Paris's daemon dials London's."""

    def way(self, broker):
        port, = free_ports(1)
        password = self.directory / f"password-{port}"
        password.write_text("bench\n")
        password.chmod(0o600)
        return (f"listen: {{ server: 'ws://127.0.0.1:{port}' }}\n",
                f"accept: {{ password_file: {password} }}\n",
                f"server: ws://127.0.0.1:{self.through_line(port)}\n"
                f"password_file: {password}\n")


class DirectWithLibrary(Direct):
    """The local brokers are spoken to by libmosquitto."""

    client = "libmosquitto"


class DirectUncompressed(Direct):
    """As on a link that is not short of bandwidth."""

    more = "compression: none\n"


CONTENDERS = {"bridge": Bridge, "nats": NatsLeaf, "mqtt": ThroughBroker, "ws": Direct,
              "library": DirectWithLibrary, "plain": DirectUncompressed}
BEFORE = " before"  # behind the name of one of ours: with the older daemon


def is_ours(name):
    return issubclass(CONTENDERS[name.removesuffix(BEFORE)], Linked)


def missing_program(name):
    """What it needs and this machine does not have; none if it can run."""
    needed = CONTENDERS[name].broker_program
    return None if find_program(needed) else needed


def make_contender(name, tools, *more):
    if name.endswith(BEFORE):
        tools = replace(tools, daemon=tools.daemon_before)
    return CONTENDERS[name.removesuffix(BEFORE)](tools, *more)
