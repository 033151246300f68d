#!/usr/bin/python3
"""Follows "Link two sites" of the README to the letter, at two sites that are each a Debian 12 in a folder
with a network of its own: readme_test.py README BARE_TREE FILE.deb [CLONE]. As root.

A fenced block of the README with words behind its language is carried out in its place:
    sh both|paris|london [&]       commands; & in the background, and its output is looked at
    yaml|conf SITE FILE            the content of FILE
    sh clone                       commands for a clone; run there if one is given
Run it by `unshare --mount`: what it mounts must end with it.
What stands in for parts of real sites: systemctl (reads the installed units), scp and /etc/hosts.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE_S = 60
ADDRESSES = {"paris": "192.0.2.1", "london": "192.0.2.2"}

SYSTEMCTL = r"""#!/bin/bash
# systemctl restart|enable --now UNIT: starts what the unit says, as the user it says.
set -e
unit=/usr/lib/systemd/system/${!#}.service
[ -f "$unit" ] || unit=/lib/systemd/system/${!#}.service
of_unit() { sed -n "s/^$1=//p" "$unit"; }
pid_file=/run/${!#}.pid
[ ! -f "$pid_file" ] || { kill "$(cat "$pid_file")"; rm "$pid_file"; }
of_unit ExecStartPre | sh -e
user=$(of_unit User)
setsid bash -c "echo \$\$ >$pid_file; exec setpriv --reuid=${user:-root} --regid=${user:-root} --init-groups \
  $(of_unit ExecStart)" </dev/null >>"/var/log/${!#}.out" 2>&1 &
sleep 0.2
kill -0 "$(cat "$pid_file")"
"""
SCP = """#!/bin/sh
# scp SITE:FILE FILE
cp "/sites/${1%%:*}${1#*:}" "$2"
"""


def blocks(readme):
    """(language, words, content) of every fenced block."""
    for info, content in re.findall(r"^```([^\n]*)\n(.*?)^```$", readme, re.M | re.S):
        language, *words = info.split()
        yield language, words, content


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


class Site:
    def __init__(self, name, tree, peers):
        self.name, self.tree = name, tree
        for program, text in (("systemctl", SYSTEMCTL), ("scp", SCP)):
            path = tree / "usr/local/bin" / program
            path.write_text(text)
            path.chmod(0o755)
        with open(tree / "etc/hosts", "w") as hosts:
            hosts.write("127.0.0.1 localhost\n")
            for peer, address in ADDRESSES.items():
                hosts.write(f"{address} linkd.{peer}.example\n")
        run("mount", "-t", "proc", "proc", tree / "proc")
        (tree / "sites").mkdir()
        # A chroot cannot look out of itself: scp reads what is copied here.
        self._peers = peers

    def bash(self, commands, background=False):
        for peer in self._peers.values():
            if "scp " in commands and peer is not self:
                self._offer(peer, commands)
        # In /root, where the package is.
        command = [
            "ip",
            "netns",
            "exec",
            f"linkd-{self.name}",
            "chroot",
            self.tree,
            "bash",
            "-euc",
            f"cd /root\n{commands}",
        ]
        options = dict(
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL
        )
        if background:
            return subprocess.Popen(command, **options)
        return subprocess.run(command, timeout=PATIENCE_S, **options)

    def _offer(self, peer, commands):
        for file in re.findall(rf"linkd\.{peer.name}\.example:(\S+)", commands):
            target = self.tree / "sites" / f"linkd.{peer.name}.example" / file[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(peer.tree / file[1:], target)

    def write(self, file, content):
        (self.tree / file[1:]).write_text(content)

    def end(self):
        for pid in self.tree.glob("run/*.pid"):
            subprocess.run(["kill", pid.read_text().strip()], check=False)
        subprocess.run(["umount", "--lazy", self.tree / "proc"], check=False)

    def logs(self):
        for log in sorted(self.tree.glob("var/log/*.out")):
            yield f"--- {self.name} {log.name}\n" + "\n".join(log.read_text().splitlines()[-20:])


def make_network():
    for site in ADDRESSES:
        run("ip", "netns", "add", f"linkd-{site}")
    run(
        "ip",
        "link",
        "add",
        "wan",
        "netns",
        "linkd-paris",
        "type",
        "veth",
        "peer",
        "name",
        "wan",
        "netns",
        "linkd-london",
    )
    for site, address in ADDRESSES.items():
        run("ip", "-n", f"linkd-{site}", "addr", "add", f"{address}/24", "dev", "wan")
        for device in ("wan", "lo"):
            run("ip", "-n", f"linkd-{site}", "link", "set", device, "up")


def remove_network():
    for site in ADDRESSES:
        subprocess.run(["ip", "netns", "del", f"linkd-{site}"], check=False, capture_output=True)


def install(tree, package, commands):
    """Once, with the network of this machine; both sites are copies of the result."""
    shutil.copy(package, tree / "root")
    run(
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        'mount -t proc proc "$0/proc" && exec chroot "$0" env DEBIAN_FRONTEND=noninteractive bash -euc '
        '"cd /root; $1"',
        tree,
        commands,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s"
        time.sleep(0.2)


def follow(sites, steps):
    """Every step at its site, in order."""
    waiting = None
    for language, words, content in steps:
        for site in sites.values() if words[0] == "both" else [sites[words[0]]]:
            print(
                f"  {site.name}: {words[1] if language != 'sh' else content.strip().splitlines()[0]}"
            )
            if language != "sh":
                site.write(words[1], content)
            elif words[1:] == ["&"]:
                waiting = site.bash(content, background=True)
            elif content.startswith("mosquitto_pub"):
                # Its reader may still be on its way to the broker.
                until("the message", lambda: (site.bash(content), waiting.poll())[1] is not None)
                printed = waiting.communicate()[0]
                assert printed == "orders/7 hello\n", printed
            else:
                carry_out(site, content)


def carry_out(site, commands):
    # The link of the steps before comes up while a person reads on.
    patient = commands.startswith("mqtt-linkctl links")

    def works():
        ended = site.bash(commands)
        done = ended.returncode == 0 and (not patient or re.search(r"\bup\b", ended.stdout))
        assert done or patient, f"{site.name}: {commands}{ended.stdout}"
        return done

    until(commands, works)


def main(readme, bare_tree, package, clone=None):
    all_blocks = [block for block in blocks(Path(readme).read_text())]
    unplaced = [
        block for block in all_blocks if block[0] in ("sh", "console", "bash", "") and not block[1]
    ]
    assert not unplaced, f"nobody carries out {unplaced}"
    placed = [block for block in all_blocks if block[1]]
    in_clone = [content for _, words, content in placed if words == ["clone"]]
    steps = [block for block in placed if block[1] != ["clone"]]
    assert in_clone and len(steps) > 10
    if clone:
        for commands in in_clone:
            run("bash", "-euc", commands, cwd=clone)

    directory = Path(tempfile.mkdtemp(prefix="linkd-readme-"))
    directory.chmod(0o755)
    sites = {}
    try:
        installation, *steps = steps
        assert installation[2].startswith("apt-get install"), installation
        install(Path(bare_tree), package, installation[2])
        make_network()
        for name in ADDRESSES:
            run("cp", "-a", bare_tree, directory / name)
            sites[name] = Site(name, directory / name, sites)
        follow(sites, steps)
        print("the README links two sites")
    except BaseException:
        for site in sites.values():
            print(*site.logs(), sep="\n")
        raise
    finally:
        for site in sites.values():
            site.end()
        remove_network()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
