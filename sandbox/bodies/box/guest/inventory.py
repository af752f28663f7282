"""Which units there are: known by name, enabled in this image, allowed to start."""

import fnmatch
import glob
import os
import subprocess

from states import known_units
from units import full_name

HOME = "/usr/lib/rekindle-box"
REAL = f"{HOME}/real/usr/bin/systemctl"


def generate(*_):
    """Runs the generators that the base image does not have: they write units from a package's own configuration."""
    base = base_units()
    places = [f"/run/systemd/generator{suffix}" for suffix in ("", ".early", ".late")]
    for path in places:
        os.makedirs(path, exist_ok=True)
    for path in sorted(glob.glob("/usr/lib/systemd/system-generators/*") + glob.glob("/etc/systemd/system-generators/*")):
        if path not in base and os.access(path, os.X_OK):
            subprocess.run([path, *places], stdin=subprocess.DEVNULL)
    return 0


def enabled_at_boot():
    """Services that someone has enabled in this image, or that a generator wants, in the order of their names."""
    base = base_units()
    links = [path for folder in ("/etc/systemd/system", "/run/systemd/generator")
             for kind in ("wants", "requires") for path in glob.glob(f"{folder}/*.target.{kind}/*.service")]
    return sorted({os.path.basename(path) for path in links if path not in base and os.path.exists(path)})


def base_units():
    try:
        with open(f"{HOME}/base-units", encoding="utf-8") as file:
            return set(file.read().split("\n"))
    except FileNotFoundError:
        return set()


def unmet(unit, kind):
    """The first of a unit's conditions that is not met, of those about files."""
    tests = {"PathExists": os.path.exists, "PathIsDirectory": os.path.isdir, "FileIsExecutable": lambda path: os.access(path, os.X_OK),
             "FileNotEmpty": lambda path: os.path.isfile(path) and os.path.getsize(path) > 0,
             "DirectoryNotEmpty": lambda path: os.path.isdir(path) and bool(os.listdir(path)),
             "PathIsMountPoint": os.path.ismount, "PathExistsGlob": lambda path: bool(glob.glob(path)),
             "PathIsSymbolicLink": os.path.islink}
    for name, test in tests.items():
        for value in unit.all(f"{kind}{name}", "Unit"):
            path = value.lstrip("|!")
            if test(path) == value.startswith("!"):
                return f"{kind}{name}={value}"
    return None


def expand(names):
    """Patterns are for units that are known; everything else is a name."""
    return [one for name in names for one in (fnmatch.filter(known_units(), full_name(name)) if "*" in name else [name])]
