"""What is known of units from one call of systemctl to the next: their states and what they have said, as files."""

import json
import os

from processes import alive
from units import Unit

STATES = "/run/rekindle-box/units"
LOGS = "/run/log/rekindle-box"
OFF_TARGETS = ("poweroff.target", "reboot.target", "halt.target", "shutdown.target", "rescue.target", "emergency.target")


def state_of(name):
    """What is known of a unit: nothing, when it was never started."""
    try:
        with open(f"{STATES}/{name}", encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {"active": "inactive", "sub": "dead"}


def remember(name, **state):
    os.makedirs(STATES, exist_ok=True)
    aside = f"{STATES}/.{name}.{os.getpid()}"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(aside, f"{STATES}/{name}")


def state(name):
    known = state_of(name)
    # Whoever was responsible for it is gone: killed, which the kernel tells nobody.
    if known["active"] in ("active", "activating", "deactivating") and known.get("supervisor") and not alive(known["supervisor"]):
        return {"active": "failed", "sub": "failed", "result": "its supervisor was killed"}
    if name.endswith(".target") and known["active"] == "inactive" and Unit(name).exists and name not in OFF_TARGETS:
        return {"active": "active", "sub": "active"}
    return known


def known_units():
    try:
        return sorted(name for name in os.listdir(STATES) if name[0] != ".")
    except FileNotFoundError:
        return []


def active():
    """In the order in which they became active."""
    names = [name for name in known_units() if state(name)["active"] in ("active", "activating")]
    return sorted(names, key=lambda name: os.stat(f"{STATES}/{name}").st_mtime)


def note(name, line):
    os.makedirs(LOGS, exist_ok=True)
    with open(f"{LOGS}/{name}", "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def tail(name, count):
    try:
        with open(f"{LOGS}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()[-count:]
    except FileNotFoundError:
        return []
