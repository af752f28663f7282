#!/usr/bin/python3 -I
"""Stands in for systemctl where no systemd runs: starts, stops and tells of services as their real unit files say.

What only changes files (enable, disable, mask, is-enabled …) is the real systemctl's work. What it leaves out, such as
timers, sockets and sandboxing, the engine's limits say.
"""

import argparse
import fcntl
import fnmatch
import glob
import os
import signal
import subprocess
import sys
import time

HOME = "/usr/lib/rekindle-box"
sys.path.insert(0, HOME)

from supervise import LOGS, STATES, Failure, Service, note, remember, state_of, supervise  # noqa: E402
from units import Command, FOLDERS, Unit, full_name  # noqa: E402

REAL = f"{HOME}/real/usr/bin/systemctl"
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


# Starting and stopping.

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


# Telling.

def state(name):
    known = state_of(name)
    # Whoever was responsible for it is gone: killed, which the kernel tells nobody.
    if known["active"] in ("active", "activating", "deactivating") and known.get("supervisor") and not alive(known["supervisor"]):
        return {"active": "failed", "sub": "failed", "result": "its supervisor was killed"}
    if name.endswith(".target") and known["active"] == "inactive" and Unit(name).exists and name not in OFF_TARGETS:
        return {"active": "active", "sub": "active"}
    return known


OFF_TARGETS = ("poweroff.target", "reboot.target", "halt.target", "shutdown.target", "rescue.target", "emergency.target")


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


# What is there.

def generate(*_):
    """Runs the generators that the base image does not have: they write units from a package's own configuration."""
    base = base_units()
    places = [f"/run/systemd/generator{suffix}" for suffix in ("", ".early", ".late")]
    for path in places:
        os.makedirs(path, exist_ok=True)
    for path in sorted(glob.glob("/usr/lib/systemd/system-generators/*") + glob.glob("/etc/systemd/system-generators/*")):
        if path not in base and os.access(path, os.X_OK):
            subprocess.run([path, *places], stdin=subprocess.DEVNULL)
    return 0


def enabled_at_boot():
    """Services that someone has enabled in this image, or that a generator wants, in the order of their names."""
    base = base_units()
    links = [path for folder in ("/etc/systemd/system", "/run/systemd/generator")
             for kind in ("wants", "requires") for path in glob.glob(f"{folder}/*.target.{kind}/*.service")]
    return sorted({os.path.basename(path) for path in links if path not in base and os.path.exists(path)})


def base_units():
    try:
        with open(f"{HOME}/base-units", encoding="utf-8") as file:
            return set(file.read().split("\n"))
    except FileNotFoundError:
        return set()


def known_units():
    try:
        return sorted(name for name in os.listdir(STATES) if name[0] != ".")
    except FileNotFoundError:
        return []


def active():
    """In the order in which they became active."""
    names = [name for name in known_units() if state(name)["active"] in ("active", "activating")]
    return sorted(names, key=lambda name: os.stat(f"{STATES}/{name}").st_mtime)


def unmet(unit, kind):
    """The first of a unit's conditions that is not met, of those about files."""
    tests = {"PathExists": os.path.exists, "PathIsDirectory": os.path.isdir, "FileIsExecutable": lambda path: os.access(path, os.X_OK),
             "FileNotEmpty": lambda path: os.path.isfile(path) and os.path.getsize(path) > 0,
             "DirectoryNotEmpty": lambda path: os.path.isdir(path) and bool(os.listdir(path)),
             "PathIsMountPoint": os.path.ismount, "PathExistsGlob": lambda path: bool(glob.glob(path)),
             "PathIsSymbolicLink": os.path.islink}
    for name, test in tests.items():
        for value in unit.all(f"{kind}{name}", "Unit"):
            path = value.lstrip("|!")
            if test(path) == value.startswith("!"):
                return f"{kind}{name}={value}"
    return None


def expand(names):
    """Patterns are for units that are known; everything else is a name."""
    return [one for name in names for one in (fnmatch.filter(known_units(), full_name(name)) if "*" in name else [name])]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tail(name, count):
    try:
        with open(f"{LOGS}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()[-count:]
    except FileNotFoundError:
        return []


def fail(line, code):
    print(line, file=sys.stderr)
    return code


def say_failure(reason):
    return fail(reason, 1) if reason else 0


def worst(codes):
    return max(list(codes), default=0)


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
