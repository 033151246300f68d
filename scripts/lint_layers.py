#!/usr/bin/env python3
"""Compares the includes of include/ and src/ with the layer order in scripts/layers.txt."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
GENERATED = re.compile(r'[^/]+\.pb\.h')


def read_ranks():
    """The line on which each layer stands, from the top."""
    lines = (ROOT / "scripts/layers.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {layer: rank for rank, row in enumerate(rows) for layer in row}


def layer_of_include(path):
    first = path.split("/")[0]
    return "include" if first == "mqtt_linkd" else first


def problem(layer, quoted, angled, ranks):
    """What is wrong with one include of a file of `layer`; None if nothing is."""
    if angled:
        ours = (ROOT / "src" / angled).is_file() or angled.startswith("mqtt_linkd/")
        return f"write our own <{angled}> with quotes" if ours else None
    if GENERATED.fullmatch(quoted):
        return None
    target = layer_of_include(quoted)
    if "/" not in quoted or target not in ranks:
        return f'"{quoted}" is not spelled as "layer/file.hpp" or "mqtt_linkd/file.hpp"'
    if target == layer or ranks[target] > ranks[layer]:
        return None
    where = "beside" if ranks[target] == ranks[layer] else "above"
    return f"{layer} must not include {target}, which stands {where} it in scripts/layers.txt"


def main():
    ranks = read_ranks()
    failed = False
    files = [path for top in ("include", "src") for path in (ROOT / top).rglob("*.[ch]pp")]
    for path in sorted(files):
        name = path.relative_to(ROOT)
        layer = "include" if name.parts[0] == "include" else name.parts[1]
        if layer not in ranks:
            print(f"{name}:1: the layer {layer} is not named in scripts/layers.txt")
            failed = True
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            wrong = found and problem(layer, found[1], found[2], ranks)
            if wrong:
                print(f"{name}:{number}: {wrong}")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
