"""Puts files of a release onto this server for `rekindle restore files`: all of them or none, each in one rename.

Called with a packed list of entries, which it removes, and a folder for copies of what it replaces. Templates are
filled in by rekindle-boot's own code, with this server's own role. Prints as JSON what it kept.
"""

import base64
import grp
import gzip
import hashlib
import json
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

ASIDE = ".rekindle-new"
IDENTITY = "/etc/rekindle/identity"
BOOTS = ("/usr/local/sbin/rekindle-boot", "/usr/sbin/rekindle-boot")

FILL_IN = """REKINDLE_BOOT_SOURCED=1
. "$1"
read_identity
open_work
trap 'rm -rf "$work"' EXIT
tool prepare "$2" || { cat "$work/error" >&2; exit 3; }
"""


class Refusal(Exception):
    """Something that is not as it must be; its text says what."""


def main(packed, backup):
    with open(packed, "rb") as file:
        wanted = json.loads(gzip.decompress(base64.b64decode(file.read())))
    os.unlink(packed)
    entries = wanted["entries"]
    for entry in entries:
        entry["full"] = "/" + entry["path"]
        entry["ids"] = ids_of(entry)
        refuse_other_kind(entry)
        if entry["kind"] == "file":
            entry["content"] = base64.b64decode(entry["content"])
    fill_in(wanted["role"], [entry for entry in entries if entry.get("template")])
    kept, done = [], []
    try:
        for entry in entries:
            if keep(entry, backup):
                kept.append(entry["full"])
            done.append(entry)
            put(entry)
    except OSError as error:
        for entry in reversed(done):
            bring_back(entry, backup, entry["full"] in kept)
        raise Refusal(f"{error.filename or entry['full']}: {error.strerror}; everything is as before")
    print(json.dumps({"kept": backup if kept else None}))


def ids_of(entry):
    def number(kind, name, find):
        if name.isdigit():
            return int(name)
        try:
            return find(name)
        except KeyError:
            raise Refusal(f"/{entry['path']} belongs to {kind} {name}, which this server does not have; nothing was changed")
    return (number("user", entry["owner"], lambda name: pwd.getpwnam(name).pw_uid),
            number("group", entry["group"], lambda name: grp.getgrnam(name).gr_gid))


def kind_of(path):
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "directory"}.get(stat.S_IFMT(mode), "other")


def refuse_other_kind(entry):
    """A file or a link gives way to the other, and to nothing else."""
    found = kind_of(entry["full"])
    if found is None or found == entry["kind"] or {found, entry["kind"]} == {"file", "link"}:
        return
    raise Refusal(f"{entry['full']} is a {found} here, and a {entry['kind']} in what is restored; nothing was changed")


def fill_in(role, templates):
    """Has rekindle-boot fill in templates, laid out for it as a release is."""
    if not templates:
        return
    boot = next((path for path in BOOTS if os.path.isfile(path)), None)
    if boot is None or not os.path.isfile(IDENTITY):
        raise Refusal(f"/{templates[0]['path']} is a template, which only rekindle-boot fills in, and this server has none; "
                      "nothing was changed")
    folder = tempfile.mkdtemp()
    try:
        for entry in templates:
            path = os.path.join(folder, "files", entry["path"])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(entry["content"])
        identity = read_identity()
        listed = [{name: entry[name] for name in ("path", "kind", "owner", "group", "mode", "template")} for entry in templates]
        manifest = {"version": 1, "environment": identity["REKINDLE_ENVIRONMENT"], "region": identity["REKINDLE_REGION"],
                    "roles": {role: {"files": listed}}}
        with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        done = subprocess.run(["sh", "-c", FILL_IN, "sh", boot, folder], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Refusal(f"{done.stderr.decode(errors='replace').strip()}; nothing was changed")
        for entry in templates:
            name = hashlib.sha256(entry["path"].encode()).hexdigest()
            with open(os.path.join(folder, "rendered", name), "rb") as file:
                entry["content"] = file.read()
    finally:
        shutil.rmtree(folder)


def read_identity():
    with open(IDENTITY, encoding="utf-8") as file:
        return dict(word.split("=", 1) for word in shlex.split(file.read(), comments=True) if "=" in word)


def keep(entry, backup):
    """A copy of what is there, with its owner and mode; false when nothing is."""
    path, found = entry["full"], kind_of(entry["full"])
    if found is None:
        return False
    if not os.path.isdir(backup):
        os.makedirs(backup, mode=0o700)
    copy(path, backup + path, found)
    return True


def copy(source, target, kind):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if kind == "directory":
        os.makedirs(target, exist_ok=True)
        shutil.copystat(source, target)
    elif kind == "link":
        os.symlink(os.readlink(source), target)
    else:
        shutil.copy2(source, target)
    found = os.lstat(source)
    os.lchown(target, found.st_uid, found.st_gid)


def put(entry):
    path, (uid, gid) = entry["full"], entry["ids"]
    make_parents(os.path.dirname(path))
    if entry["kind"] == "directory":
        if not os.path.isdir(path):
            os.mkdir(path)
        os.chown(path, uid, gid)
        os.chmod(path, int(entry["mode"], 8))
        return
    aside = path + ASIDE
    if os.path.lexists(aside):
        os.unlink(aside)
    if entry["kind"] == "link":
        os.symlink(entry["target"], aside)
        os.lchown(aside, uid, gid)
    else:
        # Nobody else can read it before it has its owner and mode.
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(entry["content"])
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), int(entry["mode"], 8))
            file.flush()
            os.fsync(file.fileno())
    os.replace(aside, path)


def make_parents(path):
    if os.path.isdir(path):
        return
    make_parents(os.path.dirname(path))
    os.mkdir(path)
    os.chmod(path, 0o755)


def bring_back(entry, backup, was_there):
    path = entry["full"]
    if os.path.lexists(path + ASIDE):
        os.unlink(path + ASIDE)
    if not was_there:
        if entry["kind"] == "directory":
            if os.path.isdir(path):
                os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
        return
    kind = kind_of(backup + path)
    if kind == "directory":
        shutil.copystat(backup + path, path)
        found = os.lstat(backup + path)
        os.chown(path, found.st_uid, found.st_gid)
    else:
        copy(backup + path, path + ASIDE, kind)
        os.replace(path + ASIDE, path)


try:
    main(*sys.argv[1:])
except Refusal as refusal:
    sys.exit(f"{refusal}")
