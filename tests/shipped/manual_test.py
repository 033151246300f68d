#!/usr/bin/python3
"""The manual says what the programs say: manual_test.py DAEMON CTL BUILT_PAGES SOURCES

mqtt-linkd.yaml(5) takes its keys from the schemas (schema_test.py); what is compared here is the rest.
"""

import re
import subprocess
import sys
from pathlib import Path


def output(*command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def same(what, one, other):
    assert one, f"{what}: nothing found"
    assert one == other, f"{what}: {sorted(one ^ other)}"


def section(page, title):
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.M | re.S)[1]


def options(page):
    """What stands in .It lines as `Fl c , Fl Fl config`."""
    words = re.findall(r"^\.It (Fl .*)$", page, re.M)
    return {
        "-" * len(flag[0].split()) + flag[1]
        for line in words
        for flag in re.findall(r"((?:Fl )+)([\w-]+)", line)
    }


def options_in_help(text):
    """The words that begin with a dash in the column of options."""
    columns = re.findall(r"^ +(-.*?)(?:  |$)", text, re.M)
    return {word for column in columns for word in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", column)}


def check_exit_codes(page, help_text):
    codes = set(re.findall(r"\b\d+\b", help_text.split("Exit codes:")[1]))
    same("exit codes", set(re.findall(r"^\.It (\d+)$", section(page, "EXIT STATUS"), re.M)), codes)


def check_ctl(program, page):
    help_text = output(program, "--help")
    common = options_in_help(help_text)
    same("options", options(section(page, "DESCRIPTION")), common)
    check_exit_codes(page, help_text)
    commands = set(re.findall(r"^  ([a-z]+)  ", help_text.split("Subcommands:")[1], re.M))
    # An item of a command, up to the next one.
    items = re.split(r"^\.It (?=Cm )", section(page, "COMMANDS"), flags=re.M)[1:]
    documented = {
        name: options(item)
        for item in items
        for name in re.findall(r"Cm (\w+)", item.splitlines()[0])
    }
    same("commands", set(documented), commands)
    for command in commands:
        own = options_in_help(output(program, command, "--help")) - common
        assert documented[command] == own, f"{command}: {documented[command] ^ own}"


def check_daemon(program, page):
    help_text = output(program, "--help")
    same("options", options(page), options_in_help(help_text))
    check_exit_codes(page, help_text)
    default = re.search(r"default (/\S+)", help_text)[1]
    assert default in section(page, "DESCRIPTION"), default


def check_reloading(page, source):
    """All keys of the top but `log` need a restart."""
    need_restart = set(re.findall(r'compare\("(\w+)"', source.read_text()))
    documented = set(re.findall(r"^\.It Sy (\w+)\b(?!\.)", section(page, "THE DAEMON"), re.M))
    same("keys that need a restart", documented - {"log"}, need_restart)


def main(program, ctl, pages, sources):
    pages, sources = Path(pages), Path(sources)
    for page in sorted(pages.glob("*.[0-9]")):
        said = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True
        )
        assert said.stdout == "" and said.returncode == 0, said.stdout
    check_daemon(program, (pages / "mqtt-linkd.8").read_text())
    check_ctl(ctl, (pages / "mqtt-linkctl.1").read_text())
    check_reloading((pages / "mqtt-linkd.yaml.5").read_text(), sources / "src/daemon/reload.cpp")
    print("the manual agrees with the programs")


if __name__ == "__main__":
    main(*sys.argv[1:])
