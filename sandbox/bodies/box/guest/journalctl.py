#!/usr/bin/python3 -I
"""Stands in for journalctl where no systemd runs: prints what services have written, one after the other."""

import argparse
import os
import sys

LOGS = "/run/log/rekindle-box"

parser = argparse.ArgumentParser(prog="journalctl", add_help=False)
parser.add_argument("-u", "--unit", action="append", default=[])
parser.add_argument("-n", "--lines", type=int)
parser.add_argument("-o", "--output")
parser.add_argument("matches", nargs="*")
asked, _ = parser.parse_known_args()
names = [name if "." in name else f"{name}.service" for name in asked.unit]
names += [one.partition("=")[2] for one in asked.matches if one.startswith("_SYSTEMD_UNIT=")]
for name in sorted(os.listdir(LOGS)) if os.path.isdir(LOGS) else []:
    if not names or name in names:
        with open(f"{LOGS}/{name}", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        for line in lines if asked.lines is None else lines[-asked.lines:]:
            print(line if names else f"{name}: {line}")
