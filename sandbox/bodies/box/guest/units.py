"""Reads systemd's unit files as systemd does: search path, drop-ins, templates, aliases, specifiers, command lines."""

import glob
import os
import re
import shlex

FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator", "/usr/local/lib/systemd/system",
           "/usr/lib/systemd/system", "/run/systemd/generator.late")
KINDS = ("service", "target", "socket", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device")


def full_name(name):
    return name if name.rpartition(".")[2] in KINDS else f"{name}.service"


class Unit:
    """One unit with everything that its files say. `exists` and `masked` tell whether it can be started at all."""

    def __init__(self, name):
        self.asked = full_name(name)
        self.fragment, self.name = find(self.asked)
        self.kind = self.name.rpartition(".")[2]
        stem = self.name.rpartition(".")[0]
        self.prefix, _, self.instance = stem.partition("@")
        self.exists = self.fragment is not None
        self.masked = self.exists and os.path.realpath(self.fragment) == "/dev/null"
        self.said = {}
        if self.exists and not self.masked:
            for path in [self.fragment, *drop_ins(self.name, self.asked)]:
                self.read(path)

    def read(self, path):
        section = ""
        with open(path, encoding="utf-8", errors="replace") as file:
            text = re.sub(r"\\\n(?:[ \t]*[#;].*\n)*", " ", file.read())
        for line in map(str.strip, text.splitlines()):
            if not line or line[0] in "#;":
                continue
            if line[0] == "[":
                section = line.strip("[]")
                continue
            key, _, value = line.partition("=")
            values = self.said.setdefault((section, key.strip()), [])
            if value.strip():
                values.append(value.strip())
            else:
                values.clear()

    def all(self, key, section="Service"):
        """Every value, with specifiers filled in."""
        return [self.fill(value) for value in self.said.get((section, key), [])]

    def one(self, key, otherwise="", section="Service"):
        return (self.all(key, section) or [otherwise])[-1]

    def flag(self, key, otherwise=False, section="Service"):
        return self.one(key, "yes" if otherwise else "no", section).lower() in ("yes", "true", "on", "1")

    def names(self, *keys):
        """Other units, such as those of After=."""
        return [full_name(name) for key in keys for value in self.all(key, "Unit") for name in value.split()]

    def wanted(self, suffix):
        """Units that were linked below `<name>.wants` or `<name>.requires`."""
        return [os.path.basename(path) for folder in FOLDERS for path in sorted(glob.glob(f"{folder}/{self.name}.{suffix}/*"))]

    def fill(self, value):
        known = {
            "n": self.name, "N": self.name.rpartition(".")[0], "p": self.prefix, "P": unescape(self.prefix),
            "i": self.instance, "I": unescape(self.instance), "j": self.prefix.rpartition("-")[2],
            "f": "/" + unescape(self.instance or self.prefix), "t": "/run", "S": "/var/lib", "C": "/var/cache",
            "L": "/var/log", "E": "/etc", "T": "/tmp", "V": "/var/tmp", "h": "/root", "u": "root", "U": "0", "g": "root",
            "G": "0", "s": "/bin/sh", "d": f"/run/credentials/{self.name}", "H": os.uname().nodename,
            "l": os.uname().nodename.partition(".")[0], "v": os.uname().release, "%": "%",
        }
        return re.sub("%(.)", lambda found: known.get(found[1], found[0]), value)


def find(name):
    """The file of a unit and the name that it really has: links are aliases."""
    template = re.sub(r"@[^.]*\.", "@.", name)
    for wanted in dict.fromkeys((name, template)):
        for folder in FOLDERS:
            path = f"{folder}/{wanted}"
            if not os.path.lexists(path):
                continue
            if os.path.islink(path) and os.path.realpath(path) != "/dev/null":
                target = os.path.basename(os.readlink(path))
                if target not in (name, template) and target.rpartition(".")[2] in KINDS:
                    instance = re.search(r"@([^.]*)\.", name)
                    return find(target.replace("@.", f"@{instance[1]}.") if instance else target)
            if os.path.exists(path):
                return path, name
    return None, name


def drop_ins(*names):
    """The last of one file name's places wins, and files are read in the order of their names."""
    found = {}
    for name in dict.fromkeys(names):
        for owner in dict.fromkeys((f"{name.rpartition('.')[2]}", re.sub(r"@[^.]*\.", "@.", name), name)):
            for folder in reversed(FOLDERS):
                for path in glob.glob(f"{folder}/{owner}.d/*.conf"):
                    found[os.path.basename(path)] = path
    return [found[name] for name in sorted(found)]


def unescape(text):
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text.replace("-", "/"))


class Command:
    """One line of Exec…=: its prefixes, and its words with variables filled in."""

    def __init__(self, line, environment):
        flags = re.match(r"[-@:+!|]*", line)[0]
        self.may_fail, self.privileged = "-" in flags, "+" in flags
        words = split(line[len(flags):])
        self.name = words[0]
        self.words = words if ":" in flags else [words[0], *substitute(words[1:], environment)]
        if "@" in flags:
            self.words = [self.words[0], *self.words[2:]]


def split(text):
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escapedquotes = True, "", "\"'"
    return list(lexer)


def substitute(words, environment):
    filled = []
    for word in words:
        if found := re.fullmatch(r"\$(\w+)", word):
            filled += environment.get(found[1], "").split()
            continue
        filled.append(re.sub(r"\$\$|\$\{(\w+)\}",
                             lambda found: environment.get(found[1], "") if found[1] else "$", word))
    return filled


def seconds(text, otherwise):
    """A time span such as `1min 30s`; `infinity` is None."""
    if not text:
        return otherwise
    if text == "infinity":
        return None
    sizes = {"us": 1e-6, "ms": 1e-3, "": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400}
    return sum(float(number) * sizes.get(unit, 1) for number, unit in re.findall(r"([\d.]+)\s*([a-z]*)", text))
