import type { HealthCheck, ServerDuties } from "../release/manifest.ts";

/** Shell lines that look at a server after its boot, in the server's own words; they change nothing. */

/** What a role's health check is, for people. */
export function nameOfCheck(health: HealthCheck): string {
  switch (health.kind) {
    case "http":
      return `http://127.0.0.1:${health.port}${health.path}`;
    case "tcp":
      return `TCP port ${health.port}`;
    case "command":
      return health.command;
  }
}

/** Asks the check once: its exit code is the outcome, and what it prints the answer. As the boot script asks it. */
export function healthScript(health: HealthCheck): string {
  switch (health.kind) {
    case "http":
      return `curl -sS --fail --noproxy '*' -o /dev/null --max-time 5 -w '%{http_code}' ${quoted(nameOfCheck(health))} 2>&1`;
    case "tcp":
      return `python3 -IS -c 'import socket, sys
try:
  socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
except OSError as error:
  sys.exit(print(error) or 1)
print("open")' ${health.port}`;
    case "command":
      return `sh -c ${quoted(health.command)} 2>&1`;
  }
}

const words = 15;

/** The end of the journal of each service that does not run; of all of them when all do. */
export function wordsScript({ services }: Pick<ServerDuties, "services">): string {
  return `units=${quoted(services.join(" "))}
failed=
for unit in $units; do systemctl is-active -q "$unit" || failed="$failed $unit"; done
for unit in \${failed:-$units}; do
  journalctl -u "$unit" -n ${words} --no-pager -o cat
done`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
