#!/usr/bin/python3
"""Writes mqtt-linkd.yaml(5) from its template and the JSON Schemas: yaml_page.py TEMPLATE OUTPUT VERSION.

A line `@KEYS file.json@` of the template becomes an mdoc list of that schema's keys.
"""

import json
import re
import sys
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parent.parent / "schema"


def load(name):
    return json.loads((SCHEMAS / name).read_text())


def resolved(node, document):
    """The node with what its $ref names beneath its own keys; and the document that this came from."""
    if "$ref" not in node:
        return node, document
    file, _, path = node["$ref"].partition("#")
    target_document = load(file) if file else document
    target = target_document
    for step in path.strip("/").split("/"):
        target = target[step]
    below, document = resolved(target, target_document)
    return {**below, **{key: value for key, value in node.items() if key != "$ref"}}, document


def escaped(text):
    """As mdoc text; each sentence on a line of its own, as mdoc wants it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?<=[.]) (?=[A-Za-z#])", "\n", text)


def default_of(node):
    if "default" not in node:
        return ""
    value = node["default"]
    return " (" + escaped(value if isinstance(value, str) else json.dumps(value)) + ")"


def choices_of(node):
    values = [str(value) for value in node.get("enum", []) if isinstance(value, str)]
    return ", ".join(map(escaped, values))


def keys(node, document, prefix=""):
    """mdoc items of all keys below a node, sections before their keys."""
    for key, value in node["properties"].items():
        value, inner_document = resolved(value, document)
        name = prefix + key
        yield f".It Sy {escaped(name)}{default_of(value)}"
        if choices_of(value) and choices_of(value) not in escaped(value["description"]):
            yield f"One of {choices_of(value)}."
        yield escaped(value["description"])
        if "properties" in value:
            yield from keys(value, inner_document, name + ".")


def main(template, output, version):
    def expanded(match):
        schema = load(match[1])
        return "\n".join([".Bl -tag -width Ds", *keys(schema, schema), ".El"])

    text = Path(template).read_text().replace("@PROJECT_VERSION@", version)
    Path(output).write_text(re.sub(r"^@KEYS (\S+)@$", expanded, text, flags=re.M))


if __name__ == "__main__":
    main(*sys.argv[1:])
