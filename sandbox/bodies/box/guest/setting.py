"""What a service's commands run as and with: user, variables, folders, credentials, limits."""

import glob
import grp
import hashlib
import os
import pwd
import resource
import shutil
import subprocess

from units import split


class Failure(Exception):
    """Why a service did not start, or what it ended with, in systemd's words."""


class Setting:
    """What a service's commands run as, and with."""

    def __init__(self, unit):
        self.unit, self.main, self.notified = unit, None, None
        self.account()
        self.environment = self.variables()

    def account(self):
        unit = self.unit
        user, group = unit.one("User"), unit.one("Group")
        self.user = self.uid = self.gid = None
        if unit.flag("DynamicUser") and not known_user(user or unit.prefix):
            # systemd's own range; the same name gets the same number each time.
            digest = hashlib.sha256((user or unit.prefix).encode()).digest()
            self.uid = self.gid = 61184 + int.from_bytes(digest[:4], "big") % 4336
        elif user:
            found = known_user(user)
            if found is None:
                raise Failure(f"user {user} does not exist (217/USER)")
            self.user, self.uid, self.gid = found.pw_name, found.pw_uid, found.pw_gid
        if group:
            try:
                self.gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
            except KeyError:
                raise Failure(f"group {group} does not exist (216/GROUP)")

    def variables(self):
        unit = self.unit
        with open("/proc/1/environ", encoding="utf-8") as file:
            first = dict(pair.split("=", 1) for pair in file.read().split("\0") if "=" in pair)
        known = {name: first[name] for name in ("PATH", "LANG", "AWS_ENDPOINT_URL", *unit.one("PassEnvironment").split())
                 if name in first}
        if self.user:
            account = pwd.getpwnam(self.user)
            known.update(USER=self.user, LOGNAME=self.user, HOME=account.pw_dir, SHELL=account.pw_shell)
        for line in unit.all("Environment"):
            known.update(pair.split("=", 1) for pair in split(line) if "=" in pair)
        for pattern in unit.all("EnvironmentFile"):
            optional = pattern.startswith("-")
            paths = glob.glob(pattern.lstrip("-"))
            if not paths and not optional:
                raise Failure(f"environment file {pattern} does not exist")
            for path in paths:
                known.update(environment_file(path))
        for kind, base in (("Runtime", "/run"), ("State", "/var/lib"), ("Cache", "/var/cache"), ("Logs", "/var/log")):
            if names := unit.one(f"{kind}Directory").split():
                known[f"{kind.upper()}_DIRECTORY"] = ":".join(f"{base}/{name.partition(':')[0]}" for name in names)
        if unit.all("LoadCredential") or unit.all("SetCredential"):
            known["CREDENTIALS_DIRECTORY"] = f"/run/credentials/{unit.name}"
        return known

    def make_folders(self):
        unit = self.unit
        kinds = (("Runtime", "/run"), ("State", "/var/lib"), ("Cache", "/var/cache"), ("Logs", "/var/log"),
                 ("Configuration", "/etc"))
        for kind, base in kinds:
            for name in unit.one(f"{kind}Directory").split():
                path = f"{base}/{name.partition(':')[0]}"
                os.makedirs(path, exist_ok=True)
                os.chmod(path, int(unit.one(f"{kind}DirectoryMode", "0755"), 8))
                if kind != "Configuration" and self.uid is not None:
                    os.chown(path, self.uid, self.gid)

    def make_credentials(self):
        folder = f"/run/credentials/{self.unit.name}"
        given = {}
        for value in self.unit.all("SetCredential"):
            name, _, content = value.partition(":")
            given[name] = content.encode().decode("unicode_escape").encode("latin-1")
        for value in self.unit.all("LoadCredential"):
            name, _, source = value.partition(":")
            try:
                with open(source or f"/etc/credstore/{name}", "rb") as file:
                    given[name] = file.read()
            except OSError as error:
                if name not in given:
                    raise Failure(f"credential {name} can't be read: {error.strerror} (243/CREDENTIALS)")
        if not given:
            return
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        for name, content in given.items():
            with os.fdopen(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o400), "wb") as file:
                file.write(content)
                os.fchown(file.fileno(), self.uid or 0, self.gid or 0)
        os.chown(folder, self.uid or 0, self.gid or 0)

    def spawn(self, command, **more):
        """Starts one of the unit's commands, as its user, in its folder, with its limits."""
        path = command.name if command.name.startswith("/") else shutil.which(command.name, path=self.environment.get("PATH"))
        if path is None or not os.access(path, os.X_OK):
            raise Failure(f"{command.name} is no program that can be run (203/EXEC)")
        words = [path, *command.words[1:]]
        if not command.privileged:
            words = self.as_user() + words
        folder = self.unit.one("WorkingDirectory")
        if folder == "~":
            folder = self.environment.get("HOME", "/")
        if folder.startswith("-"):
            folder = folder[1:] if os.path.isdir(folder[1:]) else "/"
        if folder and not os.path.isdir(folder):
            raise Failure(f"{folder} is no folder to work in (200/CHDIR)")
        environment = {**self.environment, **({"MAINPID": str(self.main)} if self.main else {}),
                       **({"NOTIFY_SOCKET": self.notified.getsockname()} if self.notified else {})}
        process = subprocess.Popen(words, cwd=folder or "/", env=environment, stdin=subprocess.DEVNULL,
                                   preexec_fn=self.limit, **{**self.outputs(), **more})
        # Its end is for `wait` to take, and not for the destructor of this object.
        process.returncode = 0
        return process.pid

    def as_user(self):
        capabilities = [name.lower().removeprefix("cap_") for name in self.unit.one("AmbientCapabilities").split()]
        raised = [",".join(f"+{name}" for name in capabilities)] if capabilities else []
        words = [f"--inh-caps={list_}" for list_ in raised] + [f"--ambient-caps={list_}" for list_ in raised]
        if self.unit.flag("NoNewPrivileges"):
            words.append("--no-new-privs")
        if self.uid is not None:
            words += [f"--reuid={self.uid}", f"--regid={self.gid}"]
            words.append("--init-groups" if self.user else "--clear-groups")
        elif self.gid is not None:
            words += [f"--regid={self.gid}", "--keep-groups"]
        return ["setpriv", *words, "--"] if words else []

    def outputs(self):
        where = self.unit.one("StandardOutput", "journal")
        kind, _, path = where.partition(":")
        if kind == "null":
            return {"stdout": subprocess.DEVNULL, "stderr": None}
        if kind in ("file", "append", "truncate"):
            return {"stdout": open(path, "ab" if kind == "append" else "wb"), "stderr": None}
        return {}

    def limit(self):
        os.setsid()
        os.umask(int(self.unit.one("UMask", "0022"), 8))
        for name, kind in (("NOFILE", resource.RLIMIT_NOFILE), ("NPROC", resource.RLIMIT_NPROC),
                           ("CORE", resource.RLIMIT_CORE), ("MEMLOCK", resource.RLIMIT_MEMLOCK)):
            if value := self.unit.one(f"Limit{name}"):
                numbers = [resource.RLIM_INFINITY if one == "infinity" else int(one) for one in value.split(":")]
                try:
                    resource.setrlimit(kind, (numbers[0], numbers[-1]))
                except (ValueError, OSError):
                    pass


def known_user(name):
    try:
        return pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        return None


def environment_file(path):
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file.read().replace("\\\n", "").splitlines():
            line = line.strip()
            if line and line[0] not in "#;" and "=" in line:
                name, _, value = line.partition("=")
                found[name.strip()] = " ".join(split(value)) if value[:1] in ("'", '"') else value.strip()
    return found
