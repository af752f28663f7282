import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { run } from "../bootstrap/edges/process.ts";
import { region, shellOf, withSandbox } from "./emulator.ts";
import { type Cost, measure } from "./measure.ts";
import type { Row } from "./table.ts";
import { commit, writeProject } from "./tree.ts";

const nights = 10;

/**
 * The whitepaper's claim, measured: a nightly backup of a server's configuration (collect, commit, publish) beside a
 * nightly backup of the whole server with restic, on a real Debian with nginx and PostgreSQL, for ten nights.
 */
export async function nightly(): Promise<Row[]> {
  const cache = resolve(".rekindle/debian-tree.tar");
  if (!existsSync(cache))
    throw new Error("the Debian tree is made by: npm run test:debian (as root, with mmdebstrap)");
  return withSandbox(async (sandbox, folder) => {
    const server = join(folder, "server");
    await mkdir(server);
    await measure(["tar", "-C", server, "--numeric-owner", "-xf", cache]);
    const project = join(folder, "project");
    await writeProject(project, {
      role: `collect: { sources: [{ folder: ${server}, host: web-0 }], paths: ["/etc/nginx/**", "/etc/postgresql/**", "/etc/logrotate.d/**", "/etc/cron.d/**"] }\n`,
    });
    await commit(project, "first");
    const s3 = new S3Client({
      endpoint: sandbox.endpoint,
      region,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      forcePathStyle: true,
    });
    for (const Bucket of ["rekindle", "restic"]) {
      await s3.send(
        new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
      );
      await s3.send(
        new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
      );
    }
    const env: Record<string, string> = {
      ...shellOf(sandbox),
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      GIT_AUTHOR_NAME: "Bench",
      GIT_AUTHOR_EMAIL: "bench@example.com",
      GIT_COMMITTER_NAME: "Bench",
      GIT_COMMITTER_EMAIL: "bench@example.com",
      RESTIC_PASSWORD: "bench",
      RESTIC_CACHE_DIR: join(folder, "cache"),
      RESTIC_REPOSITORY: `s3:${sandbox.endpoint}/restic/repository`,
    };
    await measure(["restic", "init"], { env });
    const publish = `${process.execPath} ${resolve("dist/bench/publish-to-one-region.js")} ${project} rekindle with-history`;
    const tools: Record<string, string[]> = {
      rekindle: [
        "sh",
        "-ec",
        `cd ${project} && ${process.execPath} ${resolve("bin/rekindle.js")} collect web >/dev/null && ${publish}`,
      ],
      "restic backup": ["restic", "backup", "--one-file-system", server],
    };
    const nightsOf: Record<string, { cost: Cost; stored: number }[]> = {};
    for (const name of Object.keys(tools)) nightsOf[name] = [];
    for (let night = 0; night <= nights; night++) {
      if (night > 0) await liveADay(server, night);
      for (const [name, command] of Object.entries(tools)) {
        const bucket = name === "rekindle" ? "rekindle" : "restic";
        const before = await size(s3, bucket);
        const cost = await measure(command, { env });
        nightsOf[name]!.push({ cost, stored: (await size(s3, bucket)) - before });
      }
    }
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 3 : 1)} MiB`;
    const average = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0) / numbers.length;
    const row = (what: string, from: number, to: number): Row => {
      const some = Object.entries(nightsOf).map(([name, all]) => [name, all.slice(from, to)] as const);
      const costs = some.map(([name, of]): [string, Cost] => [
        name,
        {
          seconds: average(of.map(({ cost }) => cost.seconds)),
          peakMiB: Math.max(...of.map(({ cost }) => cost.peakMiB)),
        },
      ]);
      const sizes = some.map(([name, of]) => `${name} ${mib(average(of.map(({ stored }) => stored)))}`);
      return { what, costs: Object.fromEntries(costs), note: `stored: ${sizes.join(", ")}` };
    };
    return [
      row("the first night", 0, 1),
      row(`each of the next ${nights} nights, on average`, 1, nights + 1),
    ];
  });
}

/** A day of a server: a setting changes, logs and the database's files grow, and one night in five packages are upgraded. */
async function liveADay(server: string, night: number): Promise<void> {
  await writeFile(join(server, "etc/nginx/conf.d/tuning.conf"), `keepalive_timeout ${60 + night}s;\n`);
  await mkdir(join(server, "var/lib/postgresql/15/main/base"), { recursive: true });
  await run("dd", [
    "if=/dev/urandom",
    `of=${server}/var/lib/postgresql/15/main/base/${16384 + (night % 4)}`,
    "bs=1M",
    "count=16",
    "status=none",
  ]);
  await appendFile(
    join(server, "var/log/nginx/access.log"),
    Buffer.from("GET /healthz 200\n".repeat(200_000)),
  );
  if (night % 5 !== 0) return;
  for (const name of (await readdir(join(server, "usr/bin"))).slice(0, 40))
    await run("sh", [
      "-c",
      `[ -f ${server}/usr/bin/${name} ] && printf '%s' ${night} >> ${server}/usr/bin/${name} || true`,
    ]);
}

/** Bytes of every version of every object. */
async function size(s3: S3Client, Bucket: string): Promise<number> {
  let total = 0;
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectVersionsCommand({
        Bucket,
        ...(KeyMarker === undefined ? {} : { KeyMarker, VersionIdMarker }),
      }),
    );
    for (const { Size = 0 } of page.Versions ?? []) total += Size;
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  } while (KeyMarker !== undefined);
  return total;
}
