"""What systemctl tells of units."""

import os
import subprocess
import sys

from inventory import REAL, expand
from states import known_units, remember, state, tail
from units import Unit


def is_active(names, asked):
    states = [state(Unit(name).name)["active"] for name in expand(names)]
    if not asked.quiet:
        print("\n".join(states))
    return 0 if "active" in states else 3


def is_failed(names, asked):
    states = [state(Unit(name).name)["active"] for name in expand(names)]
    if not asked.quiet:
        print("\n".join(states))
    return 0 if "failed" in states else 1


def is_system_running(_, asked):
    failed = [name for name in known_units() if state(name)["active"] == "failed"]
    if not asked.quiet:
        print("degraded" if failed else "running")
    return 1 if failed else 0


def status(names, asked):
    code = 0
    for name in expand(names) or known_units():
        unit = Unit(name)
        if not unit.exists:
            print(f"Unit {unit.name} could not be found.", file=sys.stderr)
            code = max(code, 4)
            continue
        known = state(unit.name)
        print(f"{unit.name} - {unit.one('Description', unit.name, 'Unit')}\n     Loaded: loaded ({unit.fragment})\n"
              f"     Active: {known['active']} ({known['sub']})" + (f": {known['result']}" if known.get("result") else ""))
        if known.get("main"):
            print(f"   Main PID: {known['main']}")
        print("\n".join(["", *tail(unit.name, int(asked.lines))]))
        if known["active"] not in ("active", "activating"):
            code = max(code, 3)
    return code


def show(names, asked):
    wanted = [one for value in asked.property for one in value.split(",")]
    for name in names or ["-.slice"]:
        unit = Unit(name)
        known = state(unit.name)
        enabled = subprocess.run([REAL, "is-enabled", unit.name], env={**os.environ, "SYSTEMD_OFFLINE": "1"},
                                 capture_output=True, text=True).stdout.strip() if unit.exists and (
                                     not wanted or "UnitFileState" in wanted) else ""
        told = {"Id": unit.name, "Names": unit.name, "Description": unit.one("Description", unit.name, "Unit"),
                "LoadState": "masked" if unit.masked else "loaded" if unit.exists else "not-found",
                "ActiveState": known["active"], "SubState": known["sub"], "FragmentPath": unit.fragment or "",
                "SourcePath": unit.one("SourcePath", "", "Unit"), "UnitFileState": enabled,
                "MainPID": str(known.get("main") or 0), "CanReload": "yes" if unit.all("ExecReload") else "no",
                "Type": unit.one("Type", "simple"), "User": unit.one("User"), "Triggers": "",
                "NRestarts": str(known.get("restarts", 0)), "ExecMainStatus": str(known.get("code", 0)),
                "Result": "success" if known["active"] != "failed" else "exit-code", "NeedDaemonReload": "no"}
        for key in wanted or told:
            print(told.get(key, "") if asked.value else f"{key}={told.get(key, '')}")
    return 0


def cat(names, _):
    for name in names:
        unit = Unit(name)
        if not unit.exists:
            return fail(f"No files found for {unit.name}.", 1)
        with open(unit.fragment, encoding="utf-8") as file:
            print(f"# {unit.fragment}\n{file.read()}")
    return 0


def list_units(names, asked):
    for name in known_units():
        known = state(name)
        if known["active"] != "inactive" or asked.all:
            print(f"{name} loaded {known['active']} {known['sub']} {Unit(name).one('Description', name, 'Unit')}")
    return 0


def reset_failed(names, _):
    for name in expand(names) or known_units():
        if state(Unit(name).name)["active"] == "failed":
            remember(Unit(name).name, active="inactive", sub="dead")
    return 0


def fail(line, code):
    print(line, file=sys.stderr)
    return code
