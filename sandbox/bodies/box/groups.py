"""Control groups that keep the processes of servers from this computer's devices and kernel settings.

A server's root needs CAP_SYS_ADMIN to mount its volumes, and could as well mount devtmpfs and read every disk. So each
server's processes are in a group of their own, whose programs (cgroup BPF) let them open the devices that every program
expects and the server's own volumes, and write no setting below /proc/sys. They are one group further down, the root of
their own view of groups, so that they can't reach the one that has the programs.

Nothing removes an empty group. Whoever made one holds a lock on it, which the kernel lets go with the process: a group
that is neither locked nor has processes was abandoned.
"""

import ctypes
import errno
import fcntl
import os
import platform
import struct
import sys
import time

SYSCALL = {"x86_64": 321, "aarch64": 280}
PROG_LOAD, PROG_ATTACH = 5, 8
# The types of programs, and the events that they are attached to.
DEVICE, SYSCTL = (15, 6), (23, 18)
BLOCK, CHARACTER = 1, 2
LOOP_MAJOR = 7
# null, zero, full, random, urandom, tty, ptmx; terminals have any minor number.
EVERYONES = [(CHARACTER, 1, minor) for minor in (3, 5, 7, 8, 9)] + [(CHARACTER, 5, 0), (CHARACTER, 5, 2), (CHARACTER, 136, None)]

PREFIX = "rekindle-box-"
RUN = sys.argv[1]
locks = {}


def confine(server, loops):
    """The group for a server's processes; from now on they may use those loop devices, and no others."""
    top = path_of(server)
    if server not in locks:
        locks[server] = locked(top)
    rules = EVERYONES + [(BLOCK, LOOP_MAJOR, number) for number in sorted(loops)]
    try:
        attach(locks[server], DEVICE, device_program(rules))
        attach(locks[server], SYSCTL, SETTINGS_PROGRAM)
        body = f"{top}/body"
        os.makedirs(body, exist_ok=True)
        return body
    except Exception:
        remove(server, limit_seconds=0)
        raise


def exists(server):
    try:
        return os.path.isdir(path_of(server))
    except OSError:
        # Where there can be no groups.
        return False


def remove(server, limit_seconds=10):
    """Removes a server's group as soon as its processes are gone."""
    until = time.monotonic() + limit_seconds
    while not removed(path_of(server)) and time.monotonic() < until:
        time.sleep(0.02)
    lock = locks.pop(server, None)
    if lock is not None:
        os.close(lock)


def sweep():
    """Removes the groups that killed programs have left."""
    for name in os.listdir(parent()):
        if not name.startswith(PREFIX):
            continue
        top = f"{parent()}/{name}"
        try:
            lock = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            removed(top)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)


def path_of(server):
    return f"{parent()}/{PREFIX}{RUN}-{server}"


def parent():
    """Our own group, so that servers stay below whatever this computer has limited us to."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = next((line.split(":", 2)[2].strip() for line in file if line.startswith("0::")), None)
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if own is not None and words[words.index("-") + 1] == "cgroup2":
                return os.path.normpath(f"{words[4]}/{os.path.relpath(own, words[3])}")
    raise OSError(errno.ENODEV, "no cgroup2 file system is mounted here")


def locked(top):
    """Makes a group, and holds it; another one's sweep may come in between."""
    while True:
        os.makedirs(top, exist_ok=True)
        try:
            lock = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(top):
            return lock
        os.close(lock)


def removed(top):
    """Whether a group is gone, with those that its server may have made; one with processes stays."""
    for path, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
    return True


def instruction(code, destination=0, source=0, offset=0, value=0):
    return struct.pack("=BBhi", code, source << 4 | destination, offset, value)


def load(register, offset):
    """A 32-bit word of what the program is asked about."""
    return instruction(0x61, register, 1, offset)


def answer(allows):
    return instruction(0xB7, 0, value=allows) + instruction(0x95)


def device_program(rules):
    """Allows the devices of some rules: kind, major and minor number, each in a register of its own."""
    code = load(2, 0) + instruction(0x57, 2, value=0xFFFF) + load(3, 4) + load(4, 8)
    for rule in rules:
        compared = [(register, value) for register, value in zip((2, 3, 4), rule) if value is not None]
        for index, (register, value) in enumerate(compared):
            # On to the next rule, past the rest of this one and its two instructions that allow.
            code += instruction(0x55, register, offset=len(compared) - index + 1, value=value)
        code += answer(1)
    return code + answer(0)


# Reading is allowed: the first word says whether somebody writes.
SETTINGS_PROGRAM = load(0, 0) + instruction(0x57, 0, value=1) + instruction(0xA7, 0, value=1) + instruction(0x95)


def attach(group, kind, code):
    """Gives a group a program, in place of the one of that kind that it has."""
    program_type, event = kind
    words, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"Apache-2.0")
    attributes = (program_type, len(code) // 8, ctypes.addressof(words), ctypes.addressof(licence), 0, 0, 0, 0, 0, b"", 0, event)
    program = bpf(PROG_LOAD, struct.pack("=IIQQIIQII16sII", *attributes))
    try:
        bpf(PROG_ATTACH, struct.pack("=IIII", group, program, event, 0))
    finally:
        os.close(program)


def bpf(command, attributes):
    number = SYSCALL.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"its call for that is not known on {platform.machine()}")
    buffer = ctypes.create_string_buffer(attributes, 128)
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, command, buffer, len(buffer))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf: {os.strerror(ctypes.get_errno())}")
    return result
