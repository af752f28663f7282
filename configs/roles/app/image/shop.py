#!/usr/bin/env python3
"""The shop's application: counts and takes orders, which are rows of PostgreSQL's table `orders`."""

import json
import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("SHOP_PORT", "8080"))
ORDER = "json_build_object('id', id, 'at', placed_at)"


def query(statement):
    """Runs one statement through psql, which takes its connection from PG* variables and its password from PGPASSFILE."""
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=5).stdout.strip()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif self.path == "/api/orders/count":
            self.from_database("SELECT json_build_object('orders', count(*)) FROM orders")
        elif self.path == "/api/orders/last":
            self.from_database(f"SELECT {ORDER} FROM orders ORDER BY id DESC LIMIT 1")
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        if self.path == "/api/orders":
            self.from_database(f"INSERT INTO orders DEFAULT VALUES RETURNING {ORDER}")
        else:
            self.answer(404, {"error": "no such page"})

    def from_database(self, statement):
        try:
            found = query(statement)
        except (subprocess.SubprocessError, OSError):
            return self.answer(503, {"error": "the database does not answer"})
        return self.answer(200, json.loads(found)) if found else self.answer(404, {"error": "there is no order"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Shop).serve_forever()
