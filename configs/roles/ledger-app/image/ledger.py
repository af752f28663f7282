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
ACCOUNT = re.compile(r"^/accounts/([a-z0-9-]{1,40})/balance$")


def connection():
    """psql's environment: the endpoint moves with the database, so it is read each time."""
    with open(ENDPOINTS, encoding="utf-8") as lines:
        endpoints = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    host, port = endpoints["ledger"].rsplit(":", 1)
    return {**os.environ, "PGHOST": host, "PGPORT": port}


def balance(account):
    """The account is matched against ACCOUNT before it comes here, so it needs no quoting."""
    statement = f"SELECT coalesce(sum(amount), 0) FROM entries WHERE account = '{account}'"
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--command", statement]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=5, env=connection())
    return finished.stdout.strip()


class Ledger(BaseHTTPRequestHandler):
    def do_GET(self):
        account = ACCOUNT.match(self.path)
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif account is None:
            self.answer(404, {"error": "no such page"})
        else:
            self.show_balance(account.group(1))

    def show_balance(self, account):
        try:
            self.answer(200, {"account": account, "balance": balance(account)})
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
