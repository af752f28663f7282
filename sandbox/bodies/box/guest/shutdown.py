#!/usr/bin/python3 -I
"""Stands in for shutdown, poweroff, halt and reboot: tells the first process by systemd's signals, now or later."""

import os
import re
import signal
import sys
import time

POWER_OFF, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5
PENDING = "/run/rekindle-box/shutdown"


def main():
    name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
    flags = "".join(word[1:] for word in words if re.fullmatch("-[a-zA-Z]+", word))
    if name == "shutdown" and "c" in flags:
        cancel()
        return
    wanted = REBOOT if name == "reboot" or "r" in flags or "--reboot" in words else POWER_OFF
    when = next((word for word in words if not word.startswith("-")), None)
    seconds = delay(when) if name == "shutdown" else 0
    if seconds and os.fork():
        return
    if seconds:
        os.setsid()
        with open(PENDING, "w", encoding="utf-8") as file:
            file.write(str(os.getpid()))
        time.sleep(seconds)
    os.kill(1, wanted)


def delay(when):
    """Seconds from now: `now`, `+minutes` or `hh:mm`; one minute where nothing is said, as everywhere."""
    if when in ("now", "+0"):
        return 0
    if when is None:
        return 60
    if found := re.fullmatch(r"\+?(\d+)", when):
        return 60 * int(found[1])
    if found := re.fullmatch(r"(\d{1,2}):(\d{2})", when):
        now = time.localtime()
        return ((int(found[1]) - now.tm_hour) * 3600 + (int(found[2]) - now.tm_min) * 60 - now.tm_sec) % 86400
    sys.exit(f"shutdown: {when!r} is no time; say now, +minutes or hh:mm")


def cancel():
    try:
        with open(PENDING, encoding="utf-8") as file:
            os.kill(int(file.read()), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass


main()
