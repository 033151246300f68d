#!/usr/bin/env python3
"""Fails if one of the paths that every message takes needs over a tenth more instructions than
hot_paths.json says, as callgrind counts them. What a run costs before its first message is taken
off by running twice. `--record` writes down what it counts: look at the difference, and say in the
commit why it is worth it."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

RECORD = Path(__file__).with_name("hot_paths.json")
PATHS = ("capture", "send", "publish", "match", "core")
FEW, MANY = 1280, 3840  # whole batches
GROWTH_MAX = 1.10
SHRUNK = 0.90  # then the record is out of date


def instructions(program, path, messages):
    with tempfile.NamedTemporaryFile() as profile:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile.name}",
             str(program), path, str(messages)],
            env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"hot_paths: {path}: {run.stderr}")
    return int(found[1])


def count(program):
    """Instructions a message, of each path."""
    counted = {path: round((instructions(program, path, MANY) - instructions(program, path, FEW))
                           / (MANY - FEW)) for path in PATHS}
    counted["publish"] -= counted["send"]  # which made the frames that it takes
    return counted


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="hot_paths of a release build")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    counted = count(options.program)
    if options.record:
        RECORD.write_text(json.dumps(counted, indent=1) + "\n")
    recorded = json.loads(RECORD.read_text())
    grown = False
    print("instructions a message    counted   recorded")
    for path in PATHS:
        ratio = counted[path] / recorded[path]
        remark = ""
        if ratio > GROWTH_MAX:
            grown, remark = True, "  grown: make it cheaper, or record it on purpose (--record)"
        elif ratio < SHRUNK:
            remark = "  shrunk: record it (--record)"
        print(f"{path:<22}{counted[path]:>11,}{recorded[path]:>11,}  {ratio:.2f}{remark}")
    return grown


if __name__ == "__main__":
    sys.exit(main())
