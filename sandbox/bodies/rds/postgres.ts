/** What runs in a database's body, as shell scripts that the gateway has it execute. Nothing here asks or decides. */

/** Debian 12 has this one, and no other. */
export const majorVersion = "15";

/** Where a database's volumes are attached. */
export const devices = { data: "/dev/sdf", archive: "/dev/sdg", restored: "/dev/sdh" } as const;

/** The builder's last words on its console when everything went well. */
export const imageDone = "the database image is done";

const programs = `/usr/lib/postgresql/${majorVersion}/bin`;
const service = "rekindle-database";

/** Makes a body of the base what every database's body starts from, and powers it off. */
export const imageUserData = `#cloud-config
package_update: true
packages: [postgresql-${majorVersion}]
write_files:
  - path: /etc/apt/apt.conf.d/95database
    content: |
      APT::Install-Recommends "false";
  - path: /etc/postgresql-common/createcluster.conf
    content: |
      create_main_cluster = false
  - path: /etc/systemd/system/${service}.service
    content: |
      [Unit]
      Description=PostgreSQL of an RDS instance

      [Service]
      Type=notify
      User=postgres
      RuntimeDirectory=postgresql
      ExecStart=${programs}/postgres -D /database/data -c config_file=/etc/database/postgresql.conf
      KillMode=mixed
      KillSignal=SIGINT
      Restart=on-failure
      RestartPreventExitStatus=1
      TimeoutStartSec=infinity
runcmd:
  - [sh, -c, "${programs}/postgres --version && echo ${imageDone} >/dev/console"]
power_state:
  { mode: poweroff, delay: now, timeout: 120, condition: [sh, -c, "cloud-init clean --logs; true"] }
`;

/** What a database begins with when its volumes are mounted for the first time. */
export type Origin =
  /** Blank volumes. */
  | { kind: "new"; master: string; password: string; database: string | undefined }
  /** A copy of another one's data volume, which recovers as after a crash. */
  | { kind: "snapshot" }
  /** The same, and then the archived log up to a moment, or all of it. */
  | { kind: "moment"; until: string | undefined };

/** How clients reach a database. */
export interface Endpoint {
  name: string;
  port: number;
}

/** Mounts the volumes and starts PostgreSQL; ends when it serves. `origin` is for the first time only. */
export function startScript({ name, port }: Endpoint, origin?: Origin): string {
  const isNew = origin?.kind === "new";
  const isMoment = origin?.kind === "moment";
  return script(
    // What the image does by itself when it boots must be over, or this would be in the middle of it.
    "cloud-init status --wait >/dev/null 2>&1 || true",
    ...(isNew ? [format(devices.data)] : []),
    ...(origin === undefined ? [] : [format(devices.archive)]),
    mount(devices.data, "/database"),
    mount(devices.archive, "/archive"),
    "chown postgres:postgres /archive",
    ...(isNew ? [initialize] : [`resize2fs ${devices.data} >/dev/null 2>&1`]),
    ...configure(name, port, isMoment ? origin : undefined),
    ...(isMoment ? [mount(devices.restored, "/restored"), askForRecovery] : []),
    // Of a server that is no more: nothing runs in a body that has just booted.
    "rm -f /database/data/postmaster.pid",
    `systemctl start ${service} || explain`,
    ...(isMoment ? awaitRecovery(port) : []),
    ...(isNew ? createMaster(port, origin) : []),
  );
}

export function passwordScript(port: number, master: string, password: string): string {
  return script(psql(port, "postgres", `ALTER ROLE :"master" PASSWORD :'password';`, { master, password }));
}

/**
 * Sees to it that everything up to a moment is in the archive, and a transaction behind it: a recovery knows by the first
 * one after it that it has reached a moment. RDS writes such rows too, every few minutes.
 */
export function archiveScript(port: number, until: string): string {
  const heartbeat = `
SELECT pg_sleep(greatest(0, extract(epoch FROM timestamptz :'until' - clock_timestamp()))) \\g /dev/null
INSERT INTO rds_heartbeat2 VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET value = excluded.value;`;
  return script(
    psql(port, "rdsadmin", heartbeat, { until }),
    `file=$(${psql(port, "rdsadmin", "SELECT pg_walfile_name(pg_switch_wal());")}\n)`,
    "tries=0",
    'until [ -f "/archive/$file" ]; do',
    "  tries=$((tries + 1))",
    '  [ "$tries" -le 600 ] || { echo "the log file $file is not in the archive after a minute" >&2; exit 1; }',
    "  sleep 0.1",
    "done",
  );
}

function script(...lines: string[]): string {
  const explain = `explain() { journalctl -u ${service} -n 20 --no-pager >&2 || true; exit 1; }`;
  return ["set -eu", explain, ...lines, ""].join("\n");
}

/** With a small journal: it is copied with every snapshot. Not XFS, which mounts no copy beside its original. */
function format(device: string): string {
  return `mkfs.ext4 -q -F -J size=32 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard ${device}`;
}

function mount(device: string, place: string): string {
  return `mkdir -p ${place}\nmount ${device} ${place}`;
}

const initialize = `install -d -o postgres -g postgres -m 700 /database/data
runuser -u postgres -- ${programs}/initdb --username=rdsadmin --auth=reject --encoding=UTF8 --locale=C.UTF-8 --data-checksums --wal-segsize=1 --pgdata=/database/data >/dev/null`;

/** As RDS has it: over TLS only, no client is the superuser, and the log is archived every five minutes. */
function configure(name: string, port: number, moment: { until: string | undefined } | undefined): string[] {
  const settings = [
    "data_directory = '/database/data'",
    "hba_file = '/etc/database/pg_hba.conf'",
    "ident_file = '/etc/database/pg_ident.conf'",
    "listen_addresses = '*'",
    `port = ${port}`,
    "unix_socket_directories = '/run/postgresql'",
    "ssl = on",
    "ssl_cert_file = '/etc/database/server.crt'",
    "ssl_key_file = '/etc/database/server.key'",
    "password_encryption = 'scram-sha-256'",
    "wal_level = replica",
    "archive_mode = on",
    "archive_command = 'test -f /archive/%f || { cp %p /archive/%f.new && sync /archive/%f.new && mv /archive/%f.new /archive/%f; }'",
    "archive_timeout = 300",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    ...(moment === undefined
      ? []
      : ["restore_command = 'cp /restored/%f %p'", "recovery_target_action = 'promote'"]),
    // The names of time zones, such as Z, are not known yet when this is read.
    ...(moment?.until === undefined ? [] : [`recovery_target_time = '${moment.until.replace("Z", "+00")}'`]),
  ];
  const access = [
    "local   all      rdsadmin            peer map=rds",
    "hostssl rdsadmin all      0.0.0.0/0  reject",
    "hostssl all      rdsadmin 0.0.0.0/0  reject",
    "hostssl all      all      0.0.0.0/0  scram-sha-256",
  ];
  // A certificate's common name has 64 characters at most; its other names have more.
  const request = `openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=database -addext ${word(`subjectAltName=DNS:${name}`)}`;
  return [
    "mkdir -p /etc/database",
    write("/etc/database/postgresql.conf", settings),
    write("/etc/database/pg_hba.conf", access),
    write("/etc/database/pg_ident.conf", ["rds root rdsadmin"]),
    `[ -f /etc/database/server.crt ] || ${request} -keyout /etc/database/server.key -out /etc/database/server.crt 2>/dev/null`,
    "chown postgres:postgres /etc/database/server.key",
    "chmod 600 /etc/database/server.key",
  ];
}

const askForRecovery =
  "touch /database/data/recovery.signal\nchown postgres:postgres /database/data/recovery.signal";

/** A server that recovers serves readers before it has reached its moment, and ends when it can't. */
function awaitRecovery(port: number): string[] {
  return [
    `until [ "$(${psql(port, "postgres", "SELECT pg_is_in_recovery();")}\n)" = f ]; do`,
    `  systemctl is-active --quiet ${service} || explain`,
    "  sleep 0.2",
    "done",
    "umount /restored",
  ];
}

/** The master user makes roles and databases, as in RDS, and is no superuser. */
function createMaster(
  port: number,
  { master, password, database }: Extract<Origin, { kind: "new" }>,
): string[] {
  const isOther = database !== undefined && database !== "postgres";
  const sql = `
CREATE ROLE rds_superuser;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
CREATE ROLE :"master" LOGIN CREATEDB CREATEROLE PASSWORD :'password';
GRANT rds_superuser TO :"master";
CREATE DATABASE rdsadmin;
ALTER DATABASE postgres OWNER TO :"master";
ALTER DATABASE template1 OWNER TO :"master";
${isOther ? `CREATE DATABASE :"database" OWNER :"master";` : ""}`;
  return [
    psql(port, "postgres", sql, { master, password, ...(isOther ? { database } : {}) }),
    psql(port, "rdsadmin", "CREATE TABLE rds_heartbeat2 (id int PRIMARY KEY, value timestamptz NOT NULL);"),
  ];
}

/** Values are variables of psql's, which quotes them in SQL; each is one word to the shell. */
function psql(port: number, database: string, sql: string, values: Record<string, string> = {}): string {
  const options = [
    "--no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --host=/run/postgresql",
    `--port=${port} --username=rdsadmin --dbname=${database}`,
    ...Object.entries(values).map(([name, value]) => `--set=${name}=${word(value)}`),
  ];
  return `psql ${options.join(" ")} <<'SQL'\n${sql.trim()}\nSQL`;
}

function write(path: string, lines: readonly string[]): string {
  return `cat >${path} <<'END'\n${lines.join("\n")}\nEND`;
}

function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
