import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { takeDump } from "../../bootstrap/commands/dump.ts";
import type { Connection } from "../../bootstrap/dump/connection.ts";
import { scratchServer } from "../../bootstrap/edges/databases/scratch.ts";
import { sourceOf, targetOf } from "../../bootstrap/entry/databases.ts";
import { sshd, startSshd } from "../edges/hosts/sshd.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { afterwards, dumpField, lacking } from "./dumping.ts";
import { mariadb, psql } from "./writing.ts";

const sandbox = runningSandbox();
const after = afterwards();
const never = new AbortController().signal;

describe.skipIf(sshd === undefined).each(["postgres", "mariadb"] as const)(
  "a %s that only ssh leads to",
  (engine) => {
    it.skipIf(lacking(engine) !== undefined)(
      "is dumped on its server, and restored there, both streamed",
      async () => {
        const field = await dumpField(sandbox());
        const folder = await mkdtemp(join(tmpdir(), "rekindle-ssh-"));
        after(() => rm(folder, { recursive: true, force: true }));
        const login = await startSshd(folder, ["db-1"]);
        after(() => login.stop());
        const { connection: local, remove } = await scratchServer(engine, tmpdir(), never);
        after(remove);
        const ask = (sql: string) => (engine === "postgres" ? psql(local, "shop", sql) : mariadb(local, sql));
        const table = engine === "postgres" ? "orders" : "shop.orders";
        if (engine === "postgres") await psql(local, "postgres", "CREATE DATABASE shop");
        else await mariadb(local, "CREATE DATABASE shop");
        await ask(`CREATE TABLE ${table} (id INT PRIMARY KEY); INSERT INTO ${table} VALUES (1), (2), (3)`);

        const remote: Connection = { ...local, ssh: "db-1" };
        const options = { ...field.options, sshConfig: login.clientConfig };
        const format = engine === "postgres" ? "directory" : "sql";
        const source = sourceOf(remote, options, format, true);
        const dump = await takeDump(field.context, field.wanted(remote, { source, format }));
        expect(Object.values(dump.databases[0]!.rows)).toEqual([3]);
        await ask(`INSERT INTO ${table} VALUES (4)`);
        await field.restore(dump, remote, {
          replace: true,
          target: targetOf(remote, { ...options, withoutOwners: false }),
          keep: async () => "another dump",
        });
        expect(await ask(`SELECT COUNT(*) FROM ${table}`)).toBe("3");

        await login.revokeAccess();
        await expect(takeDump(field.context, field.wanted(remote, { source, format }))).rejects.toThrow(
          /^dump of main failed.* db-1: it gives no access/,
        );
      },
    );
  },
);
