import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../bootstrap/dump/connection.ts";
import type { Dump } from "../../bootstrap/dump/dump.ts";
import { scratchServer } from "../../bootstrap/edges/databases/scratch.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { account, primary, recovery } from "../builders.ts";
import { put } from "../commands/collecting.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { afterwards, dumpField, lacking, seen } from "./dumping.ts";
import { psql } from "./writing.ts";

const sandbox = runningSandbox();
const after = afterwards();
const never = new AbortController().signal;
const program = resolve("bin/rekindle.js");

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-dumping-"));
  // A database's own user looks into it.
  await chmod(folder, 0o755);
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A project whose environment `shop` dumps one server, with a password that is in no file. */
async function project(server: Connection, more: Record<string, unknown> = {}): Promise<string> {
  const root = await aFolder();
  const zones = (base: string) =>
    Object.fromEntries(
      ["a", "b"].map((zone, index) => [
        zone,
        { public: `${base}.${index}.0/24`, private: `${base}.1${index}.0/24` },
      ]),
    );
  await put(root, {
    "cdktf.json": '{ "context": { "environment": "shop" } }',
    "cloud-init/templates/web.yaml": "#cloud-config\nhostname: {{server}}\n",
    "cloud-init/boot": "#!/bin/sh\n",
    "configs/roles/web/role.yaml": JSON.stringify({
      version: 1,
      image: { base: { ssmParameter: "/base/image" } },
      health: { kind: "tcp", port: 80 },
    }),
    "configs/environments/shop.yaml": JSON.stringify({
      version: 1,
      name: "shop",
      account,
      regions: { primary, recovery },
      network: {
        primary: { cidr: "10.10.0.0/16", zones: zones("10.10") },
        recovery: { cidr: "10.20.0.0/16", zones: zones("10.20") },
      },
      roles: { web: { count: 1, instanceType: "t3.small" } },
      objectives: { rpo: "1h", rto: "15m" },
      dumps: {
        main: {
          engine: "postgres",
          from: { host: server.host, port: server.port },
          user: "dumper",
          password: "ssm:/rekindle/shop/dump-password",
        },
        ...more,
      },
    }),
  });
  await clients(sandbox().endpoint, primary).ssm.send(
    new PutParameterCommand({
      Name: "/rekindle/shop/dump-password",
      Value: `it's "hush"`,
      Type: "SecureString",
    }),
  );
  return root;
}

const env = () => ({
  ...process.env,
  AWS_ENDPOINT_URL: sandbox().endpoint,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  REKINDLE_DATABASE_PASSWORD: `it's "hush"`,
});

/** A server that asks for that password, with rows that take some parts of an upload. */
async function server(mebibytes: number): Promise<Connection> {
  const rules = join(await aFolder(), "pg_hba.conf");
  await writeFile(rules, "local all postgres trust\nlocal all all scram-sha-256\n");
  const { connection, remove } = await scratchServer("postgres", tmpdir(), never, [
    "-c",
    `hba_file=${rules}`,
  ]);
  after(remove);
  await psql(
    connection,
    "postgres",
    `CREATE ROLE dumper SUPERUSER LOGIN PASSWORD 'it''s "hush"'; CREATE DATABASE shop`,
  );
  await psql(
    connection,
    "shop",
    `CREATE TABLE weights (id int PRIMARY KEY, content bytea); ALTER TABLE weights ALTER content SET STORAGE EXTERNAL;
INSERT INTO weights SELECT i, (SELECT string_agg(uuid_send(gen_random_uuid()), '') FROM generate_series(1, 4096) WHERE i > 0) FROM generate_series(1, ${mebibytes * 16}) i;`,
  );
  return connection;
}

describe.skipIf(lacking("postgres") !== undefined || !existsSync("dist/rekindle.js"))(
  "the program itself",
  () => {
    it("killed in the middle of a dump, clears up when it runs again; what it then dumps comes back", async () => {
      const field = await dumpField(sandbox());
      const root = await project(await server(48));
      await sandbox().addFault({ service: "s3", action: "UploadPart", kind: "latency", latencyMs: 1_000 });
      const first = spawn(process.execPath, [program, "dump"], { cwd: root, env: env(), stdio: "ignore" });
      const ended = new Promise((resolve) => first.on("close", resolve));
      // Of the roles there are two, one a region.
      await seen(sandbox(), "CreateMultipartUpload", 3);
      await new Promise((resolve) => setTimeout(resolve, 500));
      first.kill("SIGKILL");
      await ended;
      expect((await field.openUploads()).length).toBeGreaterThan(0);
      await sandbox().clearFaults();

      const second = await run(process.execPath, [program, "dump", "--json"], { cwd: root, env: env() });
      expect(second.stderr).toMatch(/aborted the upload of s3:/);
      const { dumps } = JSON.parse(second.stdout) as { dumps: Dump[] };
      expect(dumps).toMatchObject([{ status: "complete", databases: [{ name: "shop" }] }]);
      expect(await field.openUploads()).toEqual([]);
      const known = await field.places[0].catalog.dumps("main");
      expect(known.map(({ status }) => status)).toEqual(["failed", "complete"]);
      expect(known[0]!.faults).toEqual(["its command was killed"]);
      const id = dumps[0]!.id;
      expect((await field.objects()).filter((key) => !key.startsWith(`dumps/${id}/`))).toEqual([]);

      const target = await server(0);
      const to = `postgres://dumper@${encodeURIComponent(target.host!)}:5432`;
      const restore = (...words: string[]) =>
        run(process.execPath, [program, "restore", "dump", id, "--to", to, ...words], {
          cwd: root,
          env: env(),
        });
      const refused = await restore();
      expect(refused.ending).toEqual({ kind: "exited", code: 4 });
      expect(refused.stderr).toContain("--replace restores in its place");
      const dry = await restore("--replace", "--dry-run");
      expect(dry.stdout).toContain("put in the place of the one that is there, which is kept aside");
      const done = await restore("--replace");
      expect(done.stderr).toBe("");
      expect(done.stdout).toMatch(
        /1 tables and 768 rows, as many as it holds\nthe database shop that was there before is kept as shop_before_/,
      );
    });

    it("dumps the servers whose passwords are there, and names the one whose is not", async () => {
      await dumpField(sandbox());
      const spare = {
        engine: "postgres",
        from: { host: "db" },
        user: "dumper",
        password: "ssm:/rekindle/none",
      };
      const root = await project(await server(1), { spare });
      const { ending, stdout, stderr } = await run(process.execPath, [program, "dump", "--json"], {
        cwd: root,
        env: env(),
      });
      expect(ending).toEqual({ kind: "exited", code: 7 });
      expect(JSON.parse(stdout).dumps).toMatchObject([{ name: "main", status: "complete" }]);
      expect(stderr).toContain("1 of 2 dumps failed");
      expect(stderr).toContain(`spare: ssm:/rekindle/none is not there in ${primary}`);
    });

    it("puts a database back into its own server, from the dump of a moment, and keeps the one before", async () => {
      await dumpField(sandbox());
      const root = await project(await server(1));
      const rekindle = (...words: string[]) =>
        run(process.execPath, [program, ...words], { cwd: root, env: env() });
      const { dumps } = JSON.parse((await rekindle("dump", "--json")).stdout) as { dumps: [Dump] };
      const database = (...words: string[]) => rekindle("restore", "database", "main", ...words);
      const planned = await database("--dry-run", "--replace");
      expect(planned.stdout).toContain(`dump ${dumps[0].id}, taken at ${dumps[0].takenAt}`);
      expect(planned.stdout).toContain("database shop with 1 tables and 16 rows would be put in the place");
      expect((await database()).ending).toEqual({ kind: "exited", code: 4 });
      expect((await database("--replace")).stdout).toContain("that was there before is kept as shop_before_");
      const tooOld = await database("--as-of", "2020-01-01");
      expect(tooOld.ending).toEqual({ kind: "exited", code: 3 });
      expect(tooOld.stderr).toContain("newer than 2020-01-01T00:00:00.000Z");
    });

    it("killed while it verifies a dump, leaves no server and no folder", async () => {
      await dumpField(sandbox());
      const root = await project(await server(1));
      const taken = await run(process.execPath, [program, "dump", "--json"], { cwd: root, env: env() });
      expect(taken.stderr).toContain("main: 1 databases of");
      const [{ id }] = (JSON.parse(taken.stdout) as { dumps: [Dump] }).dumps;
      const folder = await aFolder();
      await mkdir(join(folder, "data"));
      const verify = ["verify-dump", id, "--folder", join(folder, "data")];
      await sandbox().addFault({ service: "s3", action: "GetObject", kind: "latency", latencyMs: 2_000 });
      const verifying = spawn(process.execPath, [program, ...verify], {
        cwd: root,
        env: env(),
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => verifying.on("close", resolve));
      const scratch = async () =>
        (await run("sh", ["-c", `ls -d ${folder}/data/*/data/postmaster.pid`])).stdout.trim();
      await expect.poll(scratch, { timeout: 30_000 }).not.toBe("");
      verifying.kill("SIGKILL");
      await ended;
      await expect
        .poll(async () => (await run("ls", [join(folder, "data")])).stdout, { timeout: 15_000 })
        .toBe("");
      await sandbox().clearFaults();
      const verified = await run(process.execPath, [program, ...verify], { cwd: root, env: env() });
      expect(verified.stdout).toContain("all of it came back: 1 tables, 16 rows");
      expect((await run("ls", [join(folder, "data")])).stdout).toBe("");
    });
  },
);
