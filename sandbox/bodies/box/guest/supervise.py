"""Runs one service as its unit says, from its start to its stop, as a process of its own between PID 1 and the service.

Everything that the service starts stays below this process, however it daemonizes, and ends with it.
"""

import ctypes
import os
import signal
import time

from processes import told
from service import Service
from setting import Failure
from states import note, remember
from units import seconds


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
