#!/usr/bin/env python3
"""The ledger's application: balances are sums over the rows of PostgreSQL's table `entries`."""

import json
import os
import re
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("LEDGER_PORT", "8080"))
# The boot script writes the endpoints of the site's databases there, one `<name>=<host>:<port>` a line.
ENDPOINTS = os.environ.get("LEDGER_ENDPOINTS", "/etc/rekindle/databases")
LOGIN = os.environ.get("LEDGER_LOGIN", "/etc/ledger/password")
BALANCE = re.compile(r"^/accounts/([a-z0-9-]{1,40})/balance$")
LAST = re.compile(r"^/accounts/([a-z0-9-]{1,40})/entries/last$")
ENTRIES = re.compile(r"^/accounts/([a-z0-9-]{1,40})/entries\?amount=(-?[0-9]{1,15})$")
TABLE = """CREATE TABLE IF NOT EXISTS entries (
  id bigserial PRIMARY KEY, account text NOT NULL, amount bigint NOT NULL, made_at timestamptz NOT NULL DEFAULT now())"""
ENTRY = "json_build_object('id', id, 'at', made_at)"


def connection():
    """psql's environment: endpoint and password are read each time, as they move with the database."""
    with open(ENDPOINTS, encoding="utf-8") as lines:
        endpoints = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    host, port = endpoints["ledger"].rsplit(":", 1)
    with open(LOGIN, encoding="utf-8") as lines:
        password = lines.readline().rstrip("\n")
    return {**os.environ, "PGHOST": host, "PGPORT": port, "PGPASSWORD": password}


def query(statement):
    """Runs one statement through psql. Accounts and amounts are matched before: no quoting needed."""
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set", "ON_ERROR_STOP=1"]
    command += ["--command", TABLE, "--command", statement]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=5, env=connection())
    return finished.stdout.strip()


class Ledger(BaseHTTPRequestHandler):
    def do_GET(self):
        balance, last = BALANCE.match(self.path), LAST.match(self.path)
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif balance:
            self.from_database(
                f"SELECT json_build_object('balance', coalesce(sum(amount), 0)) FROM entries WHERE account = '{balance[1]}'")
        elif last:
            self.from_database(f"SELECT {ENTRY} FROM entries WHERE account = '{last[1]}' ORDER BY id DESC LIMIT 1")
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        entry = ENTRIES.match(self.path)
        if entry:
            self.from_database(
                f"INSERT INTO entries (account, amount) VALUES ('{entry[1]}', {entry[2]}) RETURNING {ENTRY}")
        else:
            self.answer(404, {"error": "no such page; an entry is made at /accounts/<account>/entries?amount=<integer>"})

    def from_database(self, statement):
        try:
            found = query(statement)
        except (subprocess.SubprocessError, OSError, KeyError, ValueError):
            return self.answer(503, {"error": "the database does not answer"})
        return self.answer(200, json.loads(found)) if found else self.answer(404, {"error": "there is no entry"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Ledger).serve_forever()
