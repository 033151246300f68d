#!/usr/bin/env python3
"""What may appear only in some places: libraries, clocks, exceptions, long files.

A path in a list below ends with '/' if it is a folder. An exception for a single file stands there
with its reason.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CORE = ["include/"] + [f"src/{layer}/" for layer in
                       ("base", "topic", "wire", "interest", "queue", "session", "link")]
ADAPTERS = [f"src/{layer}/" for layer in ("mqtt", "broker", "live", "transport", "admin", "platform")]
PRODUCT = ["include/", "src/"]
NO_REAL_TIME = ["tests/unit/", "tests/sim/"]

# (pattern, what it is, where the rule holds, where it does not)
FENCES = [
    (r"_clock::now\b", "reading the clock", PRODUCT + ["tests/sim/"],
     ["src/platform/",
      "src/transport/refusal_log.cpp"]),  # limits log lines; no behaviour depends on it
    (r"\b(nano|u)?sleep(_for|_until)?\s*\(", "sleeping", PRODUCT + NO_REAL_TIME,
     ["src/platform/paced_loop.cpp"]),  # half a millisecond, of a loop that has too much to do
    (r"\.wait_(for|until)\s*\(", "waiting for real time", NO_REAL_TIME,
     ["tests/unit/platform/worker_test.cpp"]),  # real threads: a limit, not a pause
    (r"\bsteady_timer\b", "a timer", PRODUCT, ADAPTERS + ["src/daemon/"]),
    (r"\brandom_device\b", "chance", PRODUCT + ["tests/sim/"], ["src/platform/"]),
    (r"\bstd::filesystem\b", "the file system", PRODUCT, ["src/platform/", "src/config/"]),
    (r"(?<![\w>])::(open|openat|rename|unlink|fsync|fdatasync)\s*\(", "the file system", PRODUCT,
     ["src/platform/", "src/config/",
      "src/transport/frame_key.cpp",  # reads a secret at every connect
      "src/admin/http_server.cpp", "src/admin/listening.cpp"]),  # their Unix socket
    (r"#include <mosquitto|#include <mqtt_protocol", "libmosquitto", PRODUCT + ["tests/"],
     ["src/mqtt/", "tests/unit/mqtt/", "tests/support/"]),
    (r"#include <boost/beast", "Beast", PRODUCT + ["tests/"],
     ["src/transport/", "src/admin/", "src/ctl/", "src/live/http_client.cpp",
      "tests/unit/transport/", "tests/unit/admin/", "tests/contract/", "tests/support/",
      "tests/fuzz/"]),
    (r"#include <boost/asio", "Asio", CORE + ["tests/sim/"], []),
    (r"#include <(thread|mutex|atomic|future|condition_variable)>", "threads", CORE, []),
    (r"#include <yaml-cpp", "yaml-cpp", PRODUCT + ["tests/"], ["src/config/"]),
    (r"#include <prometheus", "prometheus-cpp", PRODUCT + ["tests/"],
     ["src/admin/", "tests/unit/admin/"]),
    (r"#include <spdlog", "spdlog", PRODUCT + ["tests/"], ["src/platform/"]),
    (r"#include (<google/protobuf|\"[^\"]*\.pb\.h\")", "protobuf", PRODUCT,
     ["src/wire/", "src/transport/"]),
    (r"#include \"mqtt_linkd/ports/log\.hpp\"", "the log", PRODUCT,
     ["src/link/", "src/daemon/", "src/cli/", "src/config/"] + ADAPTERS),
    (r"\bthrow\b", "throwing", PRODUCT,
     ["src/config/", "src/cli/", "include/mqtt_linkd/result.hpp",
      "src/platform/os_random.cpp",  # the three: the host is broken, nothing can go on
      "src/broker/echo_guard.cpp", "src/transport/envelope.cpp",
      "src/platform/thread_worker.cpp"]),  # passes on what the constructor caught
]

LINES_MAX = {".cpp": 400, ".hpp": 200}
TEST_LINES_MAX = 400

STRING = re.compile(r'"(?:\\.|[^"\\])*"')


def code_of(line):
    """A line without its comment and strings; an include as it is."""
    if line.lstrip().startswith("#"):
        return line
    return STRING.sub('""', line).split("//")[0]


def lines_max(name):
    return TEST_LINES_MAX if name.startswith("tests/") else LINES_MAX[Path(name).suffix]


def problems(name, lines):
    fences = [(re.compile(pattern), what) for pattern, what, holds, exempt in FENCES
              if name.startswith(tuple(holds)) and not name.startswith(tuple(exempt))]
    for number, line in enumerate(lines, 1):
        code = code_of(line)
        for pattern, what in fences:
            if pattern.search(code):
                yield number, f"{what} is not for this place: {line.strip()}"
    if len(lines) > lines_max(name):
        yield len(lines), f"longer than {lines_max(name)} lines"


def main():
    failed = False
    files = [path for top in ("include", "src", "tests") for path in (ROOT / top).rglob("*.[ch]pp")]
    for path in sorted(files):
        name = path.relative_to(ROOT).as_posix()
        for number, what in problems(name, path.read_text().splitlines()):
            print(f"{name}:{number}: {what}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
