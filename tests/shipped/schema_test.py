#!/usr/bin/python3
"""The JSON Schemas say what the daemon says: schema_test.py DAEMON ETC CONSOLE

Keys and defaults are those of the samples in etc/, which a unit test compares with the code; each
document below gets the same verdict from the schema and from `mqtt-linkd -t`. The console's form has
every key of a link.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, RefResolver

DAEMON = "deployment: paris\nbroker: { server: 'mqtt://h' }\n"
LINK = "name: london\n"

GOOD_DAEMON = [
    DAEMON,
    "deployment: a\nbroker: { server: 'unix:///run/m.sock', client: native, protocol: 5, username: 7, password: x }\n",
    "deployment: a\nbroker: { server: 'mqtts://h', tls: { verify: false, server_name: x } }\n",
    "deployment: ${LINKD_SCHEMA}\nbroker: { server: '${LINKD_SERVER}', keepalive: '${LINKD_KEEPALIVE}' }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', profile: rabbitmq, max_message: 65536, receive_maximum: '7', tls: }\n",
    DAEMON + "interest:\nlisten:\nadmin:\nlog:\n",
    DAEMON + "admin: { server: 'unix:///run/x.sock' }\nlog: { level: debug, format: json }\n",
    DAEMON + "interest: { source: mosquitto, trust_count: true }\n",
    DAEMON + "interest: { source: rabbitmq, url: 'http://127.0.0.1:15672', poll: 1m }\n",
    DAEMON + "listen: { server: 'ws://127.0.0.1:1' }\n",
]
BAD_DAEMON = [
    "broker: { server: 'mqtt://h' }\n",
    "deployment: a\n",
    "deployment: a\nbroker: { username: x }\n",
    "deployment: a/b\nbroker: { server: 'mqtt://h' }\n",
    "deployment: a\nbroker: { server: 'http://h' }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', protocol: 4 }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', client: paho }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', profile: hivemq }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', keepalive: 30 }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', max_message: 1GB }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', receive_maximum: 70000 }\n",
    "deployment: a\nbroker: { server: 'mqtt://h', colour: red }\n",
    DAEMON + "colour: red\n",
    DAEMON + "log: { level: loud }\n",
    DAEMON + "log: 7\n",
    DAEMON + "admin: { server: 'https://h' }\n",
    DAEMON + "listen: { tls: }\n",
    DAEMON + "listen: { server: 'mqtt://h' }\n",
    DAEMON + "interest: { source: kafka }\n",
    DAEMON + "interest: { source: rabbitmq, url: 'ftp://h' }\n",
]
GOOD_LINK = [
    LINK,
    LINK + "server: mqtt://h\n",
    LINK + "server: ['mqtt://h', 'mqtts://h:1']\n",
    LINK + "server: '${LINKD_SERVER}'\ntopics: []\nallow: []\n",
    LINK + "topics: ['#']\nallow: ['+/a/+', 'b/#', '$SYS/#', '/']\n",
    LINK
    + "enable: false\nqueue: { max_bytes: 64MiB, qos0: live, overflow: drop_newest, sync: none }\n",
    LINK
    + "server: mqtt://h\nmqtt: { connections: 16, protocol: 3.1.1 }\nretained: off\ncompression: none\n",
    LINK + "accept:\nqueue:\nmqtt:\ntls:\ntopics:\nserver:\n",
]
BAD_LINK = [
    "server: mqtt://h\n",
    LINK + "server: [mqtt://h, mqtt://h]\n",
    LINK + "server: unix:///run/x\n",
    LINK + "topics: a\n",
    LINK + "topics: ['a/#/b']\n",
    LINK + "topics: ['a#']\n",
    LINK + "topics: ['a+/b']\n",
    LINK + "topics: ['a/+b']\n",
    LINK + "topics: ['']\n",
    LINK + "topics: ['$share/g/a']\n",
    LINK + "allow: [a, a]\n",
    LINK + "enable: maybe\n",
    LINK + "queue: { max_bytes: lots }\n",
    LINK + "queue: { sync: always }\n",
    LINK + "mqtt: { connections: 0 }\n",
    LINK + "mqtt: { max_inflight: 65536 }\n",
    LINK + "mqtt: { connections: many }\n",
    LINK + "interest_expiry: forever\n",
    LINK + "compression: gzip\n",
    LINK + "tls: { colour: red }\n",
    LINK + "accept: [a]\n",
]
# In a sample as an example; there is no default.
EXAMPLES = [("listen", "server"), ("admin", "server")]
ENVIRONMENT = {"LINKD_SCHEMA": "paris", "LINKD_SERVER": "mqtt://h", "LINKD_KEEPALIVE": "10s"}


class Yaml12(yaml.SafeLoader):
    """PyYAML reads YAML 1.1, in which `off` is a boolean; editors and the daemon do not."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if first in "tTfF" or not tag.endswith(":bool")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def parsed(text):
    return yaml.load(text, Yaml12)


class Schemas:
    def __init__(self, etc):
        self._all = {
            path.name: json.loads(path.read_text()) for path in (etc / "schema").glob("*.json")
        }
        for schema in self._all.values():
            Draft202012Validator.check_schema(schema)

    def validator(self, name):
        resolver = RefResolver(base_uri=name, referrer=self._all[name], store=self._all)
        return Draft202012Validator(self._all[name], resolver=resolver)

    def keys(self, name):
        """Every key as (path, default or nothing), sections before their keys."""
        resolver = RefResolver(base_uri=name, referrer=self._all[name], store=self._all)

        def below(node, prefix):
            for key, value in node["properties"].items():
                path = prefix + (key,)
                pushed = 0
                merged = dict(value)
                while "$ref" in value:
                    url, value = resolver.resolve(value["$ref"])
                    resolver.push_scope(url)
                    pushed += 1
                    merged = {**value, **merged}
                yield path, merged.get("default")
                if "properties" in merged:
                    yield from below(merged, path)
                for _ in range(pushed):
                    resolver.pop_scope()

        return list(below(self._all[name], ()))


def sample_keys(text):
    """The same of a sample. Only a comment without a space is a key."""
    commented, lines = set(), []
    for line in text.splitlines():
        match = re.match(r"( *)#([a-z0-9_]+:.*)", line)
        if match:
            commented.add(len(lines))
            line = match[1] + match[2]
        lines.append(line)
    all_keys = "\n".join(lines)

    def below(node, prefix):
        for key, value in node.value:
            path = prefix + (key.value,)
            is_map = isinstance(value, yaml.MappingNode) and value.value
            default = None
            if not is_map and key.start_mark.line in commented:
                default = parsed(all_keys[value.start_mark.index : value.end_mark.index])
            yield path, default
            if is_map:
                yield from below(value, path)

    return list(below(yaml.compose(all_keys), ()))


def compare_with_sample(schemas, schema_name, sample):
    deployment = {"mqtt-linkd-<deployment>": "mqtt-linkd-paris", "<deployment>": "paris"}
    in_schema = [
        (path, deployment.get(str(default), default)) for path, default in schemas.keys(schema_name)
    ]
    in_sample = sample_keys(sample.read_text())
    paths = [path for path, _ in in_schema]
    assert paths == [path for path, _ in in_sample], set(paths) ^ {path for path, _ in in_sample}
    for (path, default), (_, documented) in zip(in_schema, in_sample):
        if documented is not None and path not in EXAMPLES:
            assert default == documented, f"{path}: schema {default!r}, sample {documented!r}"
    return len(paths)


def compare_with_form(schemas, fields):
    in_schema = [path for path, _ in schemas.keys("link.json")]
    sections = {path[:-1] for path in in_schema}
    leaves = {".".join(path) for path in in_schema if path not in sections}
    in_form = set(re.findall(r'(?:key: |path\(\s*)"([\w.]+)"', fields.read_text()))
    assert in_form == leaves, in_form ^ leaves


class Daemon:
    def __init__(self, program, directory):
        self._program, self._directory = program, Path(directory)
        (self._directory / "links.d").mkdir()

    def accepts(self, daemon, link=LINK):
        (self._directory / "mqtt-linkd.yaml").write_text(daemon)
        (self._directory / "links.d/london.yaml").write_text(link)
        ended = subprocess.run(
            [self._program, "-t", "-c", self._directory / "mqtt-linkd.yaml"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        assert ended.returncode in (0, 78), ended.stderr
        return ended.returncode == 0


def main(program, etc, console):
    etc = Path(etc)
    schemas = Schemas(etc)
    keys = compare_with_sample(schemas, "mqtt-linkd.json", etc / "mqtt-linkd.yaml")
    keys += compare_with_sample(schemas, "link.json", etc / "links.d/london.yaml.sample")
    compare_with_form(schemas, Path(console) / "fields.js")

    daemon_schema, link_schema = schemas.validator("mqtt-linkd.json"), schemas.validator(
        "link.json"
    )
    assert daemon_schema.is_valid(parsed((etc / "mqtt-linkd.yaml").read_text()))
    assert link_schema.is_valid(parsed((etc / "links.d/london.yaml.sample").read_text()))
    wrong = []
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(program, directory)
        for expected, documents in ((True, GOOD_DAEMON), (False, BAD_DAEMON)):
            for text in documents:
                verdicts = daemon.accepts(text), daemon_schema.is_valid(parsed(text))
                if verdicts != (expected, expected):
                    wrong.append((text, verdicts))
        for expected, documents in ((True, GOOD_LINK), (False, BAD_LINK)):
            for text in documents:
                verdicts = daemon.accepts(DAEMON, text), link_schema.is_valid(parsed(text))
                if verdicts != (expected, expected):
                    wrong.append((text, verdicts))
    for text, verdicts in wrong:
        print(f"daemon accepts: {verdicts[0]}, schema: {verdicts[1]}\n{text}")
    assert not wrong
    print(f"{keys} keys; {len(GOOD_DAEMON + BAD_DAEMON + GOOD_LINK + BAD_LINK)} documents")


if __name__ == "__main__":
    main(*sys.argv[1:])
