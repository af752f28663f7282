"""A machine's first process: boots it with cloud-init's own stages, carries its console out, and ends it.

Its standard output becomes a pipe that anyone in the machine can open as /dev/console; what comes out of the pipe goes
to the gateway. Its standard input comes from the gateway: a line `poweroff` asks for a shutdown, and its end says that
the gateway is gone, with which the machine ends at once. Signals are those of systemd: SIGRTMIN+4 powers off, +5 reboots.
"""

import os
import select
import selectors
import signal
import subprocess
import sys
import time

POWER_OFF, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5
HERE = "/usr/lib/rekindle-box"


def main():
    outside, control = open_console(), os.dup(0)
    os.set_inheritable(control, False)
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, POWER_OFF, REBOOT, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    watched = selectors.DefaultSelector()
    watched.register(outside["pipe"], selectors.EVENT_READ, "console")
    watched.register(control, selectors.EVENT_READ, "control")
    watched.register(wake_read, selectors.EVENT_READ, "signal")

    fork(boot)
    ending = again = None
    while True:
        for key, _ in watched.select():
            asked = None
            if key.data == "console":
                carry(outside)
            elif key.data == "control":
                line = os.read(control, 4096)
                if not line:
                    os._exit(1)
                asked = POWER_OFF
            else:
                numbers = os.read(wake_read, 4096)
                asked = next((one for one in numbers if one in (POWER_OFF, REBOOT)), None)
            if asked is not None and ending is None:
                again = asked == REBOOT
                ending = fork(shut_down)
        if ending in reap():
            carry(outside)
            if not again:
                os._exit(0)
            ending = None
            fork(start_afresh)


def open_console():
    read, write = os.pipe2(os.O_CLOEXEC)
    out = os.dup(1)
    os.set_inheritable(out, False)
    os.dup2(write, 1)
    os.dup2(write, 2)
    os.set_blocking(read, False)
    return {"pipe": read, "out": out}


def carry(console):
    """Carries out what is in the pipe."""
    while True:
        try:
            said = os.read(console["pipe"], 65536)
        except BlockingIOError:
            return
        while said:
            try:
                said = said[os.write(console["out"], said):]
            except BlockingIOError:
                select.select([], [console["out"]], [])
            except OSError:
                os._exit(1)


def reap():
    ended = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append(pid)


def fork(act):
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, POWER_OFF, REBOOT, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        try:
            act()
        except Exception as error:
            say(f"{act.__name__} failed: {error!r}")
        os._exit(0)
    return pid


def say(line):
    os.write(1, f"box: {line}\n".encode())


def run(*command, quiet=False):
    """Runs a program to its end, whatever that is; its output is the console's."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL if quiet else None).returncode
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return 127


def start_afresh():
    for path, mode in (("/run", "755"), ("/tmp", "1777")):
        run("umount", "-l", path)
        run("mount", "-t", "tmpfs", "-o", f"mode={mode},nosuid,nodev", path.strip("/"), path)
    boot()


def boot():
    """What systemd and cloud-init do together, in their order, one after the other."""
    say("boots")
    for path in ("systemd/system", "lock", "cloud-init", "rekindle-box"):
        os.makedirs(f"/run/{path}", exist_ok=True)
    # Cloud-init's generator leaves this, and `cloud-init status` looks for it.
    open("/run/cloud-init/enabled", "w").close()
    if not read("/etc/machine-id").strip():
        run("systemd-machine-id-setup", quiet=True)
    run("hostname", read("/etc/hostname").strip() or "localhost")
    run("systemd-tmpfiles", "--create", "--remove", "--boot", "--exclude-prefix=/dev", quiet=True)
    run("mount", "-a")
    cloud_init = os.path.exists("/usr/bin/cloud-init")
    if cloud_init:
        run("cloud-init", "init", "--local")
        run("cloud-init", "init")
    run("systemctl", "start", "--enabled-at-boot")
    if cloud_init:
        run("cloud-init", "modules", "--mode=config")
        run("cloud-init", "modules", "--mode=final")
    say("is up")


def shut_down():
    """Stops what runs, gently and then not, and leaves the volumes' file systems clean."""
    say("shuts down")
    try:
        subprocess.run(["systemctl", "stop", "--everything"], stdin=subprocess.DEVNULL, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        pass
    for number, patience in ((signal.SIGTERM, 2), (signal.SIGCONT, 0), (signal.SIGKILL, 1)):
        kill_others(number)
        until = time.monotonic() + patience
        while others() and time.monotonic() < until:
            time.sleep(0.02)
    os.sync()
    for line in reversed(read("/proc/self/mounts").splitlines()):
        source, target = line.split(" ")[:2]
        if source.startswith("/dev/"):
            run("umount", target.encode().decode("unicode_escape"))
    say("is off")


def kill_others(number):
    """Everyone but this process and the first one."""
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        pass


def others():
    own = {"1", str(os.getpid())}
    return [one for one in os.listdir("/proc") if one.isdigit() and one not in own and not is_zombie(one)]


def is_zombie(pid):
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in ([], ["Z"])


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


main()
