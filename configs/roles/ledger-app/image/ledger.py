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
ACCOUNT = re.compile(r"^/accounts/([a-z0-9-]{1,40})/(balance|entries)$")
TABLE = "CREATE TABLE IF NOT EXISTS entries (id bigserial PRIMARY KEY, account text NOT NULL, amount bigint NOT NULL)"


def connection():
    """psql's environment: the endpoint moves with the database, so it is read each time."""
    with open(ENDPOINTS, encoding="utf-8") as lines:
        endpoints = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    host, port = endpoints["ledger"].rsplit(":", 1)
    return {**os.environ, "PGHOST": host, "PGPORT": port}


def query(statement):
    """Runs one statement through psql. Accounts are matched against ACCOUNT and amounts are integers: no quoting needed."""
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set", "ON_ERROR_STOP=1"]
    command += ["--command", TABLE, "--command", statement]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=5, env=connection())
    return int(finished.stdout.strip())


class Ledger(BaseHTTPRequestHandler):
    def do_GET(self):
        match = ACCOUNT.match(self.path)
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif match is None or match.group(2) != "balance":
            self.answer(404, {"error": "no such page"})
        else:
            account = match.group(1)
            self.from_database(f"SELECT coalesce(sum(amount), 0) FROM entries WHERE account = '{account}'", "balance")

    def do_POST(self):
        match = ACCOUNT.match(self.path)
        if match is None or match.group(2) != "entries":
            self.answer(404, {"error": "no such page"})
            return
        try:
            amount = int(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        except ValueError:
            self.answer(400, {"error": "the body is not an integer, the amount"})
            return
        account = match.group(1)
        self.from_database(f"INSERT INTO entries (account, amount) VALUES ('{account}', {amount}) RETURNING id", "id")

    def from_database(self, statement, name):
        try:
            self.answer(200, {name: query(statement)})
        except (subprocess.SubprocessError, OSError, KeyError, ValueError):
            self.answer(503, {"error": "the database does not answer"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Ledger).serve_forever()
