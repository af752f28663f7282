#!/usr/bin/python3 -I
"""Stands in for systemctl where no systemd runs: starts, stops and tells of services as their real unit files say.

What only changes files (enable, disable, mask, is-enabled …) is the real systemctl's work. What it leaves out, such as
timers, sockets and sandboxing, the engine's limits say.
"""

import argparse
import os
import signal
import subprocess
import sys

sys.path.insert(0, "/usr/lib/rekindle-box")

from inventory import REAL, generate  # noqa: E402
from jobs import kill, reload, restart, start, stop  # noqa: E402
from states import state  # noqa: E402
from tell import cat, is_active, is_failed, is_system_running, list_units, reset_failed, show, status  # noqa: E402
from units import Unit  # noqa: E402

OFFLINE = ("enable", "disable", "reenable", "preset", "preset-all", "mask", "unmask", "link", "revert", "is-enabled",
           "list-unit-files", "get-default", "set-default", "add-wants", "add-requires", "--version")
POWER = {"poweroff": signal.SIGRTMIN + 4, "halt": signal.SIGRTMIN + 4, "reboot": signal.SIGRTMIN + 5}


def main():
    parser = argparse.ArgumentParser(prog="systemctl", add_help=False, allow_abbrev=False)
    parser.add_argument("-p", "--property", "-P", action="append", default=[])
    parser.add_argument("-s", "--signal", default="SIGTERM")
    parser.add_argument("-n", "--lines", default="10")
    parser.add_argument("-t", "--type", default="")
    for flag in ("-q --quiet", "--value", "--now", "--version", "--no-block", "--enabled-at-boot", "--everything", "--user",
                 "-a --all", "-l --full", "--no-pager", "--no-legend", "--system", "-f --force", "--no-ask-password",
                 "--no-reload", "--runtime", "--plain", "--failed", "--no-wall", "--wait", "--show-transaction", "-r --recursive"):
        parser.add_argument(*flag.split(), action="store_true")
    for option in ("--state", "--kill-who", "--kill-whom", "--job-mode", "--root", "--machine", "--what", "-H", "-M", "-o",
                   "--output", "--preset-mode"):
        parser.add_argument(option)
    asked, words = parser.parse_known_args()
    if asked.user or asked.machine:
        sys.exit("systemctl: there are no users' own units here")
    verb, names = ("--version", []) if asked.version else (words[0] if words else "list-units", words[1:])
    if verb in OFFLINE:
        sys.exit(offline(verb, names, asked))
    act = VERBS.get(verb)
    if act is None:
        sys.exit(f"systemctl: {verb!r} is not stood in for here")
    sys.exit(act(names, asked) or 0)


def offline(verb, names, asked):
    """The real program changes and reads unit files by itself when it is told that no systemd runs."""
    code = subprocess.run([REAL, *sys.argv[1:]], env={**os.environ, "SYSTEMD_OFFLINE": "1"}).returncode
    if code == 0 and asked.now:
        return {"enable": start, "disable": stop, "reenable": start, "mask": stop}.get(verb, lambda *_: 0)(names, asked)
    return code


def power(verb):
    return lambda *_: os.kill(1, POWER[verb])


VERBS = {
    "start": start, "stop": stop, "restart": restart, "reload": reload, "force-reload": reload, "kill": kill,
    "try-restart": lambda names, asked: restart(names, asked, only_active=True),
    "condrestart": lambda names, asked: restart(names, asked, only_active=True),
    "reload-or-restart": lambda names, asked: reload(names, asked, otherwise=restart),
    "try-reload-or-restart": lambda names, asked: reload(
        [name for name in names if state(Unit(name).name)["active"] == "active"], asked, otherwise=restart),
    "is-active": is_active, "is-failed": is_failed, "is-system-running": is_system_running, "status": status, "show": show,
    "cat": cat, "list-units": list_units, "reset-failed": reset_failed, "daemon-reload": generate, "daemon-reexec": generate,
    **{verb: power(verb) for verb in POWER},
}

main()
