"""Starts, stops, restarts and reloads units, each with what belongs to it."""

import fcntl
import os
import signal
import time

from inventory import enabled_at_boot, expand, generate, unmet
from processes import alive
from service import Service
from setting import Failure
from states import LOGS, active, note, remember, state, tail
from supervise import supervise
from tell import fail
from units import Command, Unit


def start(names, asked):
    if asked.enabled_at_boot:
        generate()
        for name in enabled_at_boot():
            say_failure(start_unit(name))
        return 0
    return worst(say_failure(start_unit(name)) for name in expand(names))


def start_unit(name):
    """Starts a unit after what it requires and wants. Gives the reason when it fails."""
    wanted, needed = transaction(name)
    for unit in in_order(wanted):
        reason = start_one(unit)
        if reason and unit.name in needed:
            return reason
    return None


def transaction(name):
    """Every service that starts with a unit, and the names of those without which it fails."""
    first = Unit(name)
    found, needed, ahead = {}, {first.name}, [first]
    while ahead:
        unit = ahead.pop()
        if unit.name in found:
            continue
        found[unit.name] = unit
        required = [*unit.names("Requires", "BindsTo", "Requisite"), *unit.wanted("requires")]
        for other in map(Unit, [*required, *unit.names("Wants", "Upholds"), *unit.wanted("wants")]):
            # systemd's own services and other kinds of units have nothing to do here.
            if other.kind != "service" or not other.exists or other.masked or other.name.startswith(("systemd-", "dbus")):
                continue
            if other.name in required and unit.name in needed:
                needed.add(other.name)
            ahead.append(other)
    return found, needed


def in_order(units):
    """Those first that others come after."""
    before = {name: [other for other in unit.names("After") if other in units] for name, unit in units.items()}
    for name, unit in units.items():
        for other in unit.names("Before"):
            if other in before:
                before[other].append(name)
    done = []

    def visit(name, path):
        if name in done or name in path:
            return
        for other in sorted(before[name]):
            visit(other, [*path, name])
        done.append(name)

    for name in units:
        visit(name, [])
    return [units[name] for name in done]


def start_one(unit):
    if unit.masked:
        return f"Failed to start {unit.name}: Unit {unit.name} is masked."
    if not unit.exists:
        return f"Failed to start {unit.name}: Unit {unit.name} not found."
    if unit.kind != "service":
        remember(unit.name, active="active", sub="active")
        return None
    os.makedirs("/run/rekindle-box/locks", exist_ok=True)
    with open(f"/run/rekindle-box/locks/{unit.name}", "w") as lock:
        # Two that start one unit at the same time: the second finds it started.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if state(unit.name)["active"] == "active":
            return None
        if missing := unmet(unit, "Assert"):
            return f"Job for {unit.name} failed: assertion {missing} is not met."
        if missing := unmet(unit, "Condition"):
            note(unit.name, f"{unit.name} was skipped because of an unmet condition ({missing})")
            return None
        for other in unit.names("Conflicts"):
            if other.endswith(".service") and state(other)["active"] == "active":
                stop_one(other)
        reason = launch(unit)
    if reason is None:
        return None
    return "\n".join([f"Job for {unit.name} failed: {reason}", *tail(unit.name, 10)])


def launch(unit):
    """Forks the process that is responsible for a service from now on, and waits for what it says."""
    os.makedirs(LOGS, exist_ok=True)
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(read)
        log = os.open(f"{LOGS}/{unit.name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        quiet = os.open("/dev/null", os.O_RDONLY)
        for target, source in ((0, quiet), (1, log), (2, log)):
            os.dup2(source, target)
        limit = os.sysconf("SC_OPEN_MAX")
        for number in map(int, os.listdir("/proc/self/fd")):
            if 2 < number < limit and number != write:
                try:
                    os.close(number)
                except OSError:
                    pass
        try:
            supervise(unit, write)
        finally:
            os._exit(0)
    os.close(write)
    os.wait()
    with os.fdopen(read, encoding="utf-8") as pipe:
        said = pipe.read()
    return None if said == "up" else said.partition(" ")[2] or "its supervisor has ended"


def stop(names, asked):
    if asked.everything:
        for name in reversed(active()):
            stop_one(name)
        return 0
    code = 0
    for name in expand(names):
        unit = Unit(name)
        if not unit.exists and state(unit.name)["active"] == "inactive":
            code = fail(f"Failed to stop {unit.name}: Unit {unit.name} not loaded.", 5)
        for other in [*followers(unit.name), unit.name]:
            stop_one(other)
    return code


def stop_one(name):
    known = state(name)
    if known["active"] == "inactive":
        return
    supervisor = known.get("supervisor")
    if supervisor and alive(supervisor):
        os.kill(supervisor, signal.SIGTERM)
        while alive(supervisor):
            time.sleep(0.01)
        # One that was still starting has not cleaned up.
        if state(name)["active"] not in ("inactive", "failed"):
            remember(name, active="inactive", sub="dead")
        return
    unit = Unit(name)
    if known["active"] == "active" and unit.kind == "service" and unit.exists:
        service = Service(unit)
        for key in ("ExecStop", "ExecStopPost"):
            try:
                service.run_all(key)
            except Failure as failure:
                note(name, f"{key}: {failure}")
    remember(name, active="inactive", sub="dead")


def restart(names, asked, only_active=False):
    code = 0
    for name in expand(names):
        unit = Unit(name)
        if only_active and state(unit.name)["active"] != "active":
            continue
        others = followers(unit.name)
        for other in [*others, unit.name]:
            stop_one(other)
        code = max(code, worst(say_failure(start_unit(one)) for one in [unit.name, *reversed(others)]))
    return code


def followers(name):
    """Active units that are stopped and restarted with another one, those that came last first."""
    return [other for other in reversed(active()) if other != name
            and name in Unit(other).names("PartOf", "BindsTo", "Requires")]


def reload(names, asked, otherwise=None):
    code = 0
    for name in expand(names):
        unit = Unit(name)
        if state(unit.name)["active"] != "active":
            code = max(code, otherwise([name], asked) if otherwise else fail(f"{unit.name} is not active, cannot reload.", 1))
            continue
        if not unit.all("ExecReload"):
            code = max(code, otherwise([name], asked) if otherwise
                       else fail(f"Failed to reload {unit.name}: Job type reload is not applicable for unit {unit.name}.", 1))
            continue
        also = [Unit(other) for other in active() if unit.name in Unit(other).names("ReloadPropagatedFrom")
                or other in unit.names("PropagatesReloadTo")]
        for one in [unit, *also]:
            code = max(code, reload_one(one))
    return code


def reload_one(unit):
    service = Service(unit)
    service.main = state(unit.name).get("main")
    for line in unit.all("ExecReload"):
        command = Command(line, {**service.environment, "MAINPID": str(service.main or "")})
        ended = service.wait(service.spawn(command, stdout=None), service.patience("Start"))
        if ended != 0 and not command.may_fail:
            return fail(f"Job for {unit.name} failed: {command.name} exited with {ended}", 1)
    return 0


def kill(names, asked):
    number = int(asked.signal) if asked.signal.isdigit() else getattr(signal, f"SIG{asked.signal.removeprefix('SIG')}")
    for name in expand(names):
        if main_process := state(Unit(name).name).get("main"):
            os.kill(main_process, number)
    return 0


def say_failure(reason):
    return fail(reason, 1) if reason else 0


def worst(codes):
    return max(list(codes), default=0)
