"""One service's life as its unit says: its start, its end, and what follows from it."""

import os
import shutil
import signal
import socket
import time

from processes import children, descendants, reap, send, told
from setting import Failure, Setting
from states import note, remember
from units import Command, seconds

CLEAN_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)


class Service(Setting):
    def __init__(self, unit):
        self.stopping, self.restarts = False, 0
        self.type = unit.one("Type", "simple" if unit.all("ExecStart") else "oneshot")
        super().__init__(unit)

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
