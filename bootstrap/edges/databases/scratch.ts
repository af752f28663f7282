import { createInterface } from "node:readline";
import type { Connection } from "../../dump/connection.ts";
import type { Engine } from "../../dump/dump.ts";
import { RekindleError } from "../../errors.ts";
import { start } from "../process.ts";

/** A database server that nobody else reaches, for as long as it is used. */
export interface ScratchServer {
  connection: Connection;
  /** Ends it, and removes all of it. */
  remove(): Promise<void>;
}

/**
 * Makes and starts a server in a new folder, on a socket and on no network. A shell holds it: that one ends it and
 * removes the folder when its input ends, so it does when this process is killed, too.
 */
export async function scratchServer(
  engine: Engine,
  folder: string,
  signal: AbortSignal,
  /** More words for the server: what it is told last, counts. */
  settings: readonly string[] = [],
): Promise<ScratchServer> {
  const script = engine === "postgres" ? postgres : mariadb;
  const holder = start("/bin/sh", ["-c", script, "sh", folder, ...settings], { lifeline: true, signal });
  const remove = async () => {
    holder.stdin.end();
    await holder.ended;
  };
  const lines = createInterface({ input: holder.stdout })[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  if (!done) {
    const [host, user] = String(value).split(" ") as [string, string];
    return { connection: { engine, host, user, ...(engine === "postgres" ? { port: 5432 } : {}) }, remove };
  }
  await remove();
  const said = holder.stderr().trim().split("\n");
  throw new RekindleError(
    said.some((line) => line.includes("is not on PATH")) ? "missing-tool" : "tool-failed",
    `no ${engine} server could be started to restore into: ${said.at(-1)}`,
    { details: said.slice(-20) },
  );
}

/** `user` runs the server, which does not run as root; `signal` ends it at once. What is said meanwhile is for errors. */
const beginning = (user: string, signal: string) => `set -eu
exec 3<&0 4>&1 >&2 </dev/null
as=
cd /
folder=$(mktemp -d "$1/rekindle-scratch-XXXXXX")
shift
server=
clean() {
  trap '' TERM INT HUP
  [ -z "$server" ] || kill -${signal} "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean EXIT
until_answers() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    kill -0 "$server"
    tries=$((tries + 1))
    [ "$tries" -le 600 ] || { echo 'the server did not answer within a minute'; exit 1; }
    sleep 0.1
  done
}
# Who would read what is said may have been killed: that ends this shell like any failure.
trap '' PIPE
trap 'exit 1' TERM INT HUP
if [ "$(id -u)" -eq 0 ]; then
  owner=${user}
  id "$owner" >/dev/null 2>&1 || owner=nobody
  chown "$owner" "$folder"
  as="setpriv --reuid=$owner --regid=$(id -g "$owner") --clear-groups"
fi
`;

const postgres = `${beginning("postgres", "QUIT")}
for bin in $(ls -dv /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null); do PATH="$bin:$PATH"; done
command -v initdb >/dev/null || { echo 'initdb is not on PATH; install it: apt-get install postgresql'; exit 1; }
$as initdb --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync --pgdata="$folder/data"
$as postgres -D "$folder/data" -k "$folder" -p 5432 -c listen_addresses= -c fsync=off -c full_page_writes=off \\
  -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=4GB "$@" 3<&- 4>&- &
server=$!
until_answers env PGPASSWORD= psql --no-psqlrc -h "$folder" -p 5432 -U postgres -d postgres -c ''
echo "$folder postgres" >&4
exec 4>&-
read -r _ <&3 || true
`;

const mariadb = `${beginning("mysql", "KILL")}
PATH="$PATH:/usr/sbin:/usr/libexec"
install=$(command -v mariadb-install-db || command -v mysql_install_db) || { echo 'mariadb-install-db is not on PATH; install it: apt-get install mariadb-server'; exit 1; }
$as "$install" --no-defaults --datadir="$folder/data" --auth-root-authentication-method=normal --skip-test-db
$as "$(command -v mariadbd || command -v mysqld)" --no-defaults --datadir="$folder/data" --socket="$folder/s" --pid-file="$folder/pid" \\
  --skip-networking --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --max-allowed-packet=1G "$@" 3<&- 4>&- &
server=$!
until_answers "$(command -v mariadb || command -v mysql)" --no-defaults --socket="$folder/s" --user=root -e ''
echo "$folder/s root" >&4
exec 4>&-
read -r _ <&3 || true
`;
