#!/usr/bin/env python3
"""Every .cpp under src/ and tests/ is named in a CMakeLists.txt, and no test's name holds what CMake
takes for the end of one: a test nobody builds or runs proves nothing."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = re.compile(r"[\w./-]+\.cpp\b")
CUT_NAME = re.compile(r'TEST_CASE\(\s*"[^"]*;')


def named_sources():
    for top in ("src", "tests"):
        for listing in (ROOT / top).rglob("CMakeLists.txt"):
            code = re.sub(r"#.*", "", listing.read_text())
            for source in SOURCE.findall(code):
                yield (listing.parent / source).resolve()


def main():
    named = set(named_sources())
    present = {path for top in ("src", "tests") for path in (ROOT / top).rglob("*.cpp")}
    missing = sorted(present - named)
    for path in missing:
        print(f"{path.relative_to(ROOT)}:1: is not named in a CMakeLists.txt")
    cut = [path for path in sorted(present) if CUT_NAME.search(path.read_text())]
    for path in cut:
        print(f"{path.relative_to(ROOT)}:1: a TEST_CASE has a semicolon in its name")
    return 1 if missing or cut else 0


if __name__ == "__main__":
    sys.exit(main())
