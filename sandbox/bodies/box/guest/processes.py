"""Processes below this one, and how they end."""

import os
import signal


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


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def told(code):
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
