"""Runs one service as its unit says, from its start to its stop, as a process of its own between PID 1 and the service.

Everything that the service starts stays below this process, however it daemonizes, and ends with it.
"""

import ctypes
import glob
import hashlib
import json
import os
import pwd
import grp
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

from units import Command, seconds, split

STATES = "/run/rekindle-box/units"
LOGS = "/run/log/rekindle-box"
CLEAN_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)


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


class Failure(Exception):
    """Why a service did not start, or what it ended with, in systemd's words."""


class Service:
    def __init__(self, unit):
        self.unit, self.main, self.stopping, self.restarts = unit, None, False, 0
        self.type = unit.one("Type", "simple" if unit.all("ExecStart") else "oneshot")
        self.account()
        self.environment = self.variables()
        self.notified = None

    # What it runs as, and with.

    def account(self):
        unit = self.unit
        user, group = unit.one("User"), unit.one("Group")
        self.user = self.uid = self.gid = None
        if unit.flag("DynamicUser") and not known_user(user or unit.prefix):
            # systemd's own range; the same name gets the same number each time.
            digest = hashlib.sha256((user or unit.prefix).encode()).digest()
            self.uid = self.gid = 61184 + int.from_bytes(digest[:4], "big") % 4336
        elif user:
            found = known_user(user)
            if found is None:
                raise Failure(f"user {user} does not exist (217/USER)")
            self.user, self.uid, self.gid = found.pw_name, found.pw_uid, found.pw_gid
        if group:
            try:
                self.gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
            except KeyError:
                raise Failure(f"group {group} does not exist (216/GROUP)")

    def variables(self):
        unit = self.unit
        with open("/proc/1/environ", encoding="utf-8") as file:
            first = dict(pair.split("=", 1) for pair in file.read().split("\0") if "=" in pair)
        known = {name: first[name] for name in ("PATH", "LANG", "AWS_ENDPOINT_URL", *unit.one("PassEnvironment").split())
                 if name in first}
        if self.user:
            account = pwd.getpwnam(self.user)
            known.update(USER=self.user, LOGNAME=self.user, HOME=account.pw_dir, SHELL=account.pw_shell)
        for line in unit.all("Environment"):
            known.update(pair.split("=", 1) for pair in split(line) if "=" in pair)
        for pattern in unit.all("EnvironmentFile"):
            optional = pattern.startswith("-")
            paths = glob.glob(pattern.lstrip("-"))
            if not paths and not optional:
                raise Failure(f"environment file {pattern} does not exist")
            for path in paths:
                known.update(environment_file(path))
        for kind, base in (("Runtime", "/run"), ("State", "/var/lib"), ("Cache", "/var/cache"), ("Logs", "/var/log")):
            if names := unit.one(f"{kind}Directory").split():
                known[f"{kind.upper()}_DIRECTORY"] = ":".join(f"{base}/{name.partition(':')[0]}" for name in names)
        if unit.all("LoadCredential") or unit.all("SetCredential"):
            known["CREDENTIALS_DIRECTORY"] = f"/run/credentials/{unit.name}"
        return known

    def make_folders(self):
        unit = self.unit
        kinds = (("Runtime", "/run"), ("State", "/var/lib"), ("Cache", "/var/cache"), ("Logs", "/var/log"),
                 ("Configuration", "/etc"))
        for kind, base in kinds:
            for name in unit.one(f"{kind}Directory").split():
                path = f"{base}/{name.partition(':')[0]}"
                os.makedirs(path, exist_ok=True)
                os.chmod(path, int(unit.one(f"{kind}DirectoryMode", "0755"), 8))
                if kind != "Configuration" and self.uid is not None:
                    os.chown(path, self.uid, self.gid)

    def make_credentials(self):
        folder = f"/run/credentials/{self.unit.name}"
        given = {}
        for value in self.unit.all("SetCredential"):
            name, _, content = value.partition(":")
            given[name] = content.encode().decode("unicode_escape").encode("latin-1")
        for value in self.unit.all("LoadCredential"):
            name, _, source = value.partition(":")
            try:
                with open(source or f"/etc/credstore/{name}", "rb") as file:
                    given[name] = file.read()
            except OSError as error:
                if name not in given:
                    raise Failure(f"credential {name} can't be read: {error.strerror} (243/CREDENTIALS)")
        if not given:
            return
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        for name, content in given.items():
            with os.fdopen(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o400), "wb") as file:
                file.write(content)
                os.fchown(file.fileno(), self.uid or 0, self.gid or 0)
        os.chown(folder, self.uid or 0, self.gid or 0)

    def spawn(self, command, **more):
        """Starts one of the unit's commands, as its user, in its folder, with its limits."""
        path = command.name if command.name.startswith("/") else shutil.which(command.name, path=self.environment.get("PATH"))
        if path is None or not os.access(path, os.X_OK):
            raise Failure(f"{command.name} is no program that can be run (203/EXEC)")
        words = [path, *command.words[1:]]
        if not command.privileged:
            words = self.as_user() + words
        folder = self.unit.one("WorkingDirectory")
        if folder == "~":
            folder = self.environment.get("HOME", "/")
        if folder.startswith("-"):
            folder = folder[1:] if os.path.isdir(folder[1:]) else "/"
        if folder and not os.path.isdir(folder):
            raise Failure(f"{folder} is no folder to work in (200/CHDIR)")
        environment = {**self.environment, **({"MAINPID": str(self.main)} if self.main else {}),
                       **({"NOTIFY_SOCKET": self.notified.getsockname()} if self.notified else {})}
        process = subprocess.Popen(words, cwd=folder or "/", env=environment, stdin=subprocess.DEVNULL,
                                   preexec_fn=self.limit, **{**self.outputs(), **more})
        # Its end is for `wait` to take, and not for the destructor of this object.
        process.returncode = 0
        return process.pid

    def as_user(self):
        capabilities = [name.lower().removeprefix("cap_") for name in self.unit.one("AmbientCapabilities").split()]
        raised = [",".join(f"+{name}" for name in capabilities)] if capabilities else []
        words = [f"--inh-caps={list_}" for list_ in raised] + [f"--ambient-caps={list_}" for list_ in raised]
        if self.unit.flag("NoNewPrivileges"):
            words.append("--no-new-privs")
        if self.uid is not None:
            words += [f"--reuid={self.uid}", f"--regid={self.gid}"]
            words.append("--init-groups" if self.user else "--clear-groups")
        elif self.gid is not None:
            words += [f"--regid={self.gid}", "--keep-groups"]
        return ["setpriv", *words, "--"] if words else []

    def outputs(self):
        where = self.unit.one("StandardOutput", "journal")
        kind, _, path = where.partition(":")
        if kind == "null":
            return {"stdout": subprocess.DEVNULL, "stderr": None}
        if kind in ("file", "append", "truncate"):
            return {"stdout": open(path, "ab" if kind == "append" else "wb"), "stderr": None}
        return {}

    def limit(self):
        os.setsid()
        os.umask(int(self.unit.one("UMask", "0022"), 8))
        for name, kind in (("NOFILE", resource.RLIMIT_NOFILE), ("NPROC", resource.RLIMIT_NPROC),
                           ("CORE", resource.RLIMIT_CORE), ("MEMLOCK", resource.RLIMIT_MEMLOCK)):
            if value := self.unit.one(f"Limit{name}"):
                numbers = [resource.RLIM_INFINITY if one == "infinity" else int(one) for one in value.split(":")]
                try:
                    resource.setrlimit(kind, (numbers[0], numbers[-1]))
                except (ValueError, OSError):
                    pass

    # Its life.

    def run_all(self, key):
        """Every command of one kind, one after the other; the first that fails ends them."""
        for line in self.unit.all(key):
            command = Command(line, self.environment)
            code = self.wait(self.spawn(command), self.patience("Start"))
            if code != 0 and not command.may_fail and not self.is_clean(code):
                raise Failure(f"{command.name} {told(code)}")

    def patience(self, phase):
        """Seconds that a phase may take; None, which is what 0 means as well, has no end."""
        return seconds(self.unit.one(f"Timeout{phase}Sec") or self.unit.one("TimeoutSec"), 90) or None

    def wait(self, pid, patience):
        """The end of one process; others' ends are taken in passing."""
        until = None if patience is None else time.monotonic() + patience
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == pid:
                return os.waitstatus_to_exitcode(status)
            if ended:
                continue
            if until is not None and time.monotonic() > until:
                raise Failure(f"timed out after {patience:.0f} s")
            time.sleep(0.01)

    def start(self):
        """Returns when the service is up, as its type says."""
        unit = self.unit
        self.make_folders()
        self.make_credentials()
        patience = self.patience("Start")
        if self.type in ("notify", "notify-reload"):
            self.listen()
        self.run_all("ExecStartPre")
        if self.type == "oneshot":
            self.run_all("ExecStart")
        else:
            line = unit.one("ExecStart")
            if not line:
                raise Failure("its unit has no ExecStart")
            command = Command(line, self.environment)
            pid = self.spawn(command)
            if self.type == "forking":
                code = self.wait(pid, patience)
                if code != 0:
                    raise Failure(f"{command.name} {told(code)}")
                self.main = self.find_main()
            else:
                self.main = pid
            if self.notified:
                self.wait_for_notice(patience)
        self.run_all("ExecStartPost")

    def listen(self):
        path = f"/run/rekindle-box/notify-{self.unit.name}"
        if os.path.exists(path):
            os.unlink(path)
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(path)
        os.chmod(path, 0o777)
        self.notified.settimeout(0.05)

    def wait_for_notice(self, patience):
        until = None if patience is None else time.monotonic() + patience
        while until is None or time.monotonic() < until:
            try:
                lines = self.notified.recv(65536).decode(errors="replace").splitlines()
            except TimeoutError:
                ended, status = os.waitpid(-1, os.WNOHANG) if children() else (self.main, 0)
                if ended == self.main:
                    raise Failure(f"it {told(os.waitstatus_to_exitcode(status))} before it said that it was ready")
                continue
            for line in lines:
                if line.startswith("MAINPID="):
                    self.main = int(line[8:])
            if "READY=1" in lines:
                return
        raise Failure(f"did not say within {patience:.0f} s that it was ready")

    def find_main(self):
        path = self.unit.one("PIDFile")
        if path and not path.startswith("/"):
            path = f"/run/{path}"
        for _ in range(100):
            try:
                with open(path, encoding="utf-8") as file:
                    return int(file.read().split()[0])
            except (OSError, ValueError, IndexError):
                if not path:
                    break
            time.sleep(0.05)
        below = children()
        return below[0] if below else None

    def watch(self):
        """Waits for the main process's end, or for a wish to stop; gives the exit code, or None for a stop."""
        while not self.stopping:
            if self.main is None and not children():
                return 0
            try:
                ended, status = os.waitpid(-1, 0)
            except InterruptedError:
                continue
            except ChildProcessError:
                return 0
            if ended == self.main:
                return os.waitstatus_to_exitcode(status)
        return None

    def stop(self):
        unit = self.unit
        remember(unit.name, active="deactivating", sub="stop", supervisor=os.getpid(), main=self.main)
        try:
            self.run_all("ExecStop")
        except Failure as failure:
            note(unit.name, f"ExecStop: {failure}")
        self.end_processes()

    def end_processes(self):
        unit = self.unit
        mode = unit.one("KillMode", "control-group")
        number = getattr(signal, unit.one("KillSignal", "SIGTERM"), signal.SIGTERM)
        if mode == "none":
            return
        first = descendants() if mode == "control-group" else [self.main] if self.main else []
        send(first, number)
        send(first, signal.SIGCONT)
        patience = self.patience("Stop")
        until = None if patience is None else time.monotonic() + patience
        awaited = descendants if mode != "process" else lambda: [self.main] if self.main in descendants() else []
        while reap() and awaited() and (until is None or time.monotonic() < until):
            if mode == "mixed" and self.main not in descendants():
                break
            time.sleep(0.01)
        if mode != "process":
            while below := descendants():
                send(below, signal.SIGKILL)
                reap()
                time.sleep(0.01)

    def clean_up(self):
        try:
            self.run_all("ExecStopPost")
        except Failure as failure:
            note(self.unit.name, f"ExecStopPost: {failure}")
        if self.unit.one("RuntimeDirectoryPreserve", "no") == "no":
            for name in self.unit.one("RuntimeDirectory").split():
                shutil.rmtree(f"/run/{name.partition(':')[0]}", ignore_errors=True)

    def is_clean(self, code):
        named = {getattr(signal, word, None) for word in self.unit.one("SuccessExitStatus").split()}
        numbers = {int(word) for word in self.unit.one("SuccessExitStatus").split() if word.isdigit()}
        return code == 0 or code in numbers or (code < 0 and (-code in CLEAN_SIGNALS or -code in named))

    def wants_restart(self, code):
        policy = self.unit.one("Restart", "no")
        clean = self.is_clean(code)
        return policy == "always" or (clean and policy == "on-success") or (not clean and policy == "on-failure") or (
            code < 0 and not clean and policy in ("on-abnormal", "on-abort"))


def supervise(unit, report):
    """The whole life of a service. `report` is a pipe: one line when it is up, or why it is not."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    service, told_already = None, False

    def tell(line):
        nonlocal told_already
        if not told_already:
            os.write(report, line.encode())
            os.close(report)
        told_already = True

    def ask_to_stop(*_):
        if service:
            service.stopping = True
        raise InterruptedError

    starts = []
    while True:
        remember(unit.name, active="activating", sub="start", supervisor=os.getpid())
        try:
            service = Service(unit)
            service.start()
        except (Failure, OSError, ValueError) as failure:
            note(unit.name, f"{unit.name}: {failure}")
            if service:
                service.end_processes()
                service.clean_up()
            code = 1
            remember(unit.name, active="failed", sub="failed", result=str(failure))
            if not (service and service.wants_restart(code)) or not told_already:
                return tell(f"failed {failure}")
        else:
            if service.type == "oneshot":
                stays = unit.flag("RemainAfterExit")
                remember(unit.name, active="active" if stays else "inactive", sub="exited" if stays else "dead")
                return tell("up")
            remember(unit.name, active="active", sub="running", supervisor=os.getpid(), main=service.main,
                     restarts=len(starts))
            tell("up")
            signal.signal(signal.SIGTERM, ask_to_stop)
            try:
                code = service.watch()
            except InterruptedError:
                code = None
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if code is None:
                service.stop()
                service.clean_up()
                remember(unit.name, active="inactive", sub="dead")
                return None
            note(unit.name, f"{unit.name}: its main process {told(code)}")
            service.main = None
            if unit.flag("RemainAfterExit") and service.is_clean(code):
                remember(unit.name, active="active", sub="exited")
                return None
            service.end_processes()
            service.clean_up()
            if not service.wants_restart(code):
                clean = service.is_clean(code)
                remember(unit.name, active="inactive" if clean else "failed", sub="dead" if clean else "failed",
                         result=told(code), code=code)
                return None
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(seconds(unit.one("RestartSec"), 0.1) or 0)
        now = time.monotonic()
        interval = seconds(unit.one("StartLimitIntervalSec", section="Unit"), 10)
        starts = [one for one in starts if interval and now - one < interval] + [now]
        burst = int(unit.one("StartLimitBurst", "5", "Unit"))
        if interval and len(starts) >= burst:
            note(unit.name, f"{unit.name}: started {burst} times within {interval:.0f} s, and is left alone now")
            remember(unit.name, active="failed", sub="failed", result="start-limit-hit", code=code)
            return None


def children(parent=None):
    wanted = str(parent or os.getpid())
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                words = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if words[1] == wanted and words[0] != "Z":
            found.append(int(pid))
    return found


def descendants():
    found, ahead = [], children()
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead += children(pid)
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    return True


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def told(code):
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"


def note(name, line):
    os.makedirs(LOGS, exist_ok=True)
    with open(f"{LOGS}/{name}", "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def known_user(name):
    try:
        return pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        return None


def environment_file(path):
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file.read().replace("\\\n", "").splitlines():
            line = line.strip()
            if line and line[0] not in "#;" and "=" in line:
                name, _, value = line.partition("=")
                found[name.strip()] = " ".join(split(value)) if value[:1] in ("'", '"') else value.strip()
    return found
