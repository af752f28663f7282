#!/usr/bin/python3 -I
"""Stands in for mdadm where no kernel drives arrays: the "array" is the first disk, and the others carry a mark.

The mark says which array a disk belongs to and at which place, so that a disk that is not blank is seen to be none, and
one of another array is refused. That data is striped is not proven here.
"""

import json
import os
import re
import sys
import uuid

MAGIC = b"rekindle-box array\n"


def main():
    words = sys.argv[1:]
    array = next((word for word in words if word.startswith("/dev/md")), None)
    disks = [word for word in words if re.match("/dev/(?!md)", word)]
    if "--create" in words or "-C" in words:
        create(array, disks, words)
    elif "--assemble" in words or "-A" in words:
        assemble(array, disks)
    elif "--stop" in words or "-S" in words:
        os.unlink(array)
    elif "--detail" in words or "-D" in words:
        print(f"{array}:\n     Raid Level : raid0\n         device : {os.path.realpath(array)}")
    else:
        sys.exit(f"mdadm: {' '.join(words)!r} is not stood in for here")


def create(array, disks, words):
    count = next((int(found[1]) for word in words if (found := re.fullmatch(r"(?:--raid-devices|-n)=?(\d+)", word))), None)
    if array is None or not disks or (count is not None and count != len(disks)):
        sys.exit(f"mdadm: {count} devices were announced for {array}, and {len(disks)} were named")
    name = str(uuid.uuid4())
    for place, disk in enumerate(disks[1:], 1):
        mark = MAGIC + json.dumps({"array": name, "place": place, "of": len(disks)}).encode() + b"\n"
        with open(disk, "r+b") as device:
            device.write(mark.ljust(4096, b"\0"))
            os.fsync(device.fileno())
    show(array, disks[0])
    print(f"mdadm: array {array} started.")


def assemble(array, disks):
    marks = {disk: mark_of(disk) for disk in disks}
    first = [disk for disk, mark in marks.items() if mark is None]
    others = [mark for mark in marks.values() if mark is not None]
    places = sorted(mark["place"] for mark in others)
    whole = len(first) == 1 and len({mark["array"] for mark in others}) == 1
    if not whole or places != list(range(1, others[0]["of"])):
        told = ", ".join(f"{disk} is {'unmarked' if mark is None else 'number %d of %d' % (mark['place'], mark['of'])}"
                         for disk, mark in marks.items())
        sys.exit(f"mdadm: {array} can not be assembled: {told}")
    show(array, first[0])
    print(f"mdadm: {array} has been started with {len(disks)} drives.")


def mark_of(disk):
    with open(disk, "rb") as device:
        start = device.read(4096)
    return json.loads(start[len(MAGIC):].partition(b"\n")[0]) if start.startswith(MAGIC) else None


def show(array, disk):
    os.makedirs(os.path.dirname(array), exist_ok=True)
    if os.path.lexists(array):
        os.unlink(array)
    os.symlink(os.path.realpath(disk), array)


main()
