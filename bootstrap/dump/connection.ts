import { RekindleError } from "../errors.ts";
import type { Engine } from "./dump.ts";

/** How a database server is reached, and where its client programs run. */
export interface Connection {
  engine: Engine;
  /** Nothing: they run here. */
  ssh?: string;
  /** A name, an address, or where its socket is; else what the programs choose themselves. */
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  /** RDS: over TLS only, and nobody is a superuser. */
  managed?: boolean;
}

const schemes: Record<string, Engine> = {
  "postgres:": "postgres",
  "postgresql:": "postgres",
  "mysql:": "mysql",
  "mariadb:": "mariadb",
};

/** Reads `postgres://user@host:5432`, `mariadb://root@%2Frun%2Fmysqld%2Fmysqld.sock` or `ssh://host`. */
export function readConnection(option: string, text: string, engine: Engine): Connection {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !(url.protocol === "ssh:" || Object.hasOwn(schemes, url.protocol)))
    throw wrong(
      option,
      text,
      "is no connection; give one such as postgres://admin@db.example.net:5432, or ssh://db-1",
    );
  // On a command line everybody on the machine could read it.
  if (url.password !== "")
    throw new RekindleError(
      "bad-input",
      `${option} holds a password; name where it is kept with --password-from, or put it into REKINDLE_DATABASE_PASSWORD`,
    );
  if (url.pathname.replace(/^\//, "") !== "" || url.search !== "" || url.hash !== "")
    throw wrong(option, text, "names more than a server; leave out what comes after it");
  if (url.protocol === "ssh:") {
    const user = url.username === "" ? "" : `${decodeURIComponent(url.username)}@`;
    return { engine, ssh: `${user}${url.host}` };
  }
  const spoken = schemes[url.protocol]!;
  if ((spoken === "postgres") !== (engine === "postgres"))
    throw wrong(
      option,
      text,
      `is a ${spoken} server, and the dump is one of ${engine}; name one of that engine`,
    );
  return {
    engine,
    ...(url.hostname === "" ? {} : { host: decodeURIComponent(url.hostname) }),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
  };
}

/** The server's name in messages. Never its password. */
export function describeConnection({ engine, ssh, host, port, user }: Connection): string {
  const where = `${host ?? "localhost"}${port === undefined ? "" : `:${port}`}`;
  const server = `${engine} at ${user === undefined ? "" : `${user}@`}${where}`;
  return ssh === undefined ? server : `${engine} on ${ssh}`;
}

function wrong(option: string, text: string, why: string): RekindleError {
  return new RekindleError("bad-input", `${option} ${JSON.stringify(text)} ${why}`);
}
