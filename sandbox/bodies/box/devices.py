"""Loop devices for the volumes of the sandbox's bodies: makes them, freezes what is on them, and lets them go. Keeps each
body to its own; see groups.py.

Requests and answers are JSON, one a line. Each device is made such that the kernel removes it with its last user, which
is this program or a file system in a body; so nothing stays when all of them are killed. A frozen file system would: the
kernel keeps it, and everyone who waits for it, until it is thawed. Therefore this program outlives the gateway by the
moment that it takes to thaw everything, and to remove the groups of bodies, which would stay as well.
"""

import ctypes
import errno
import fcntl
import json
import os
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import groups

LOOP_MAJOR = 7
LOOP_CTL_GET_FREE, LOOP_CONFIGURE, AUTOCLEAR = 0x4C82, 0x4C0A, 4
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878

held = {}
# The server that each device is for.
users = {}
confining = threading.Lock()
speaking = threading.Lock()


class Refusal(Exception):
    pass


def attach(file, server):
    """A device with the file behind it, which that server may use."""
    backing = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        with open("/dev/loop-control", "rb", buffering=0) as control:
            while True:
                number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
                device = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
                # fd, block size; then loop_info64 with nothing but flags, and eight reserved words.
                config = struct.pack("=II5Q4I128s32s2Q64s", backing, 0, 0, 0, 0, 0, 0, 0, 0, 0, AUTOCLEAR, b"", b"", 0, 0, b"")
                try:
                    fcntl.ioctl(device, LOOP_CONFIGURE, config)
                except OSError as error:
                    os.close(device)
                    # Someone else has taken it in between.
                    if error.errno == errno.EBUSY:
                        continue
                    raise
                held[number] = device
                give(number, server)
                return {"number": number}
    finally:
        os.close(backing)


def detach(number):
    """Lets go of a device, unless a file system on it is mounted."""
    if not is_free(number):
        places = sorted({place for _, place in mounts(number)})
        raise Refusal(f"it is mounted on {', '.join(places)}" if places else "it is in use")
    let_go(number)


def release(number):
    """Lets go of a device whose machine has ended, or is about to."""
    until = time.monotonic() + 10
    while number in held and not is_free(number) and time.monotonic() < until:
        thaw_anyhow(number)
        time.sleep(0.02)
    let_go(number)


def confine(server):
    """A control group for a server that is about to start: it reaches no devices but everyone's and its own."""
    with confining:
        return {"group": groups.confine(server, devices_of(server))}


def free(server):
    """Removes the group of a server that has ended."""
    groups.remove(server)


def give(number, server):
    """From now on only that server may use the device; nobody, when there is none."""
    with confining:
        before, users[number] = users.get(number), server
        for one in {before, server} - {None}:
            if groups.exists(one):
                groups.confine(one, devices_of(one))


def devices_of(server):
    return [number for number, user in users.items() if user == server]


def let_go(number):
    """Closes a device, which somebody else may have next."""
    device = held.pop(number, None)
    if device is None:
        return
    give(number, None)
    os.close(device)


def freeze(numbers):
    """Freezes the file systems on several devices; says of which ones somebody else had done so before."""
    frozen, already = [], []
    try:
        for number in numbers:
            outcome = on_any_mount(number, FIFREEZE)
            if outcome is not None:
                (already if outcome == errno.EBUSY else frozen).append(number)
    except OSError as error:
        thaw(frozen, [])
        raise Refusal(f"the file system on a volume can't be frozen: {error.strerror}")
    return {"frozen": frozen, "already": already}


def thaw(frozen, already):
    """Thaws what `freeze` has frozen; says what else is no longer as it was then."""
    for number in frozen:
        thaw_anyhow(number)
    moved = []
    for number in already:
        outcome = on_any_mount(number, FIFREEZE)
        if outcome == 0:
            on_any_mount(number, FITHAW)
        if outcome != errno.EBUSY:
            moved.append(number)
    return {"moved": moved}


def thaw_anyhow(number):
    """Thaws a device's file system, also when nobody has it mounted any more."""
    if on_any_mount(number, FITHAW) is not None or is_free(number):
        return
    # Frozen, and its machine is gone: whoever mounts the device gets the frozen file system, and may thaw it.
    pid = os.fork()
    if pid == 0:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            libc.unshare(0x00020000)
            libc.mount(None, b"/", None, 0x40000 | 0x4000, None)
            place = tempfile.mkdtemp()
            for kind in (b"xfs", b"ext4"):
                if libc.mount(b"/dev/loop%d" % number, place.encode(), kind, 0, None) == 0:
                    on_mount((os.getpid(), place), FITHAW)
                    libc.umount2(place.encode(), 2)
                    break
            os.rmdir(place)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def is_free(number):
    """Whether no file system has claimed the device."""
    try:
        os.close(os.open(f"/dev/loop{number}", os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
        return True
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        raise


def mounts(number):
    """Where the device is mounted: a process that sees it there, and the place."""
    device, seen, found = f"{LOOP_MAJOR}:{number}", set(), []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            space = os.readlink(f"/proc/{pid}/ns/mnt")
            if space in seen:
                continue
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        seen.add(space)
        for line in lines:
            words = line.split(" ")
            if words[2] == device and words[3] == "/":
                found.append((pid, words[4].encode("utf-8", "surrogateescape").decode("unicode_escape")))
    return found


def on_any_mount(number, request):
    """Freezes or thaws what is on a device, wherever it is mounted; None when it is mounted nowhere."""
    while found := mounts(number):
        for mount in found:
            try:
                return on_mount(mount, request)
            except (FileNotFoundError, ProcessLookupError):
                # The process through which it was seen has just ended; others may see it still.
                continue
    return None


def on_mount(mount, request):
    """Freezes or thaws a file system: 0, or the error number that says that it is so already."""
    pid, place = mount
    top = os.open(f"/proc/{pid}/root{place}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(top, request, 0)
        return 0
    except OSError as error:
        if error.errno == (errno.EBUSY if request == FIFREEZE else errno.EINVAL):
            return error.errno
        raise
    finally:
        os.close(top)


ACTS = {act.__name__: act for act in (attach, detach, release, freeze, thaw, confine, free)}


def answer(request):
    try:
        told = {"ok": ACTS[request["act"]](**request["with"]) or {}}
    except Refusal as refusal:
        told = {"error": str(refusal)}
    except OSError as error:
        told = {"error": f"{error.strerror}{f': {error.filename}' if error.filename else ''}"}
    except Exception as error:
        told = {"error": repr(error)}
    with speaking:
        try:
            print(json.dumps({"id": request["id"], **told}), flush=True)
        except OSError:
            pass


def main():
    os.setsid()
    try:
        groups.sweep()
    except OSError:
        # Where there are no groups, `confine` says so.
        pass
    for line in sys.stdin:
        threading.Thread(target=answer, args=(json.loads(line),)).start()
    for number in list(held):
        release(number)
    for server in list(groups.locks):
        free(server)
    os._exit(0)


main()
