import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import type { Sandbox } from "../bootstrap/edges/sandbox.ts";
import { region, shellOf, withSandbox } from "./emulator.ts";
import { type Cost, measure, median } from "./measure.ts";
import type { Row } from "./table.ts";
import { commit, writeTree } from "./tree.ts";

/**
 * Publishing a repository's configuration to one region, beside tools that copy the same files to the same endpoint:
 * `aws s3 sync`, `restic backup` into an initialised repository, `rclone sync`.
 */
export async function publishing(files: number): Promise<Row[]> {
  return withSandbox(async (sandbox, folder) => {
    const repository = join(folder, "repository");
    await writeTree(repository, { roles: 20, files });
    await commit(repository, "first");
    const rounds: Tools[] = [];
    for (const round of ["one", "two", "three"])
      rounds.push(await prepared(sandbox, join(folder, round), repository));

    const first = await firsts(rounds);
    const tools = rounds.at(-1)!;
    const none = await repeated(tools, async () => undefined);
    let change = 0;
    const one = await repeated(tools, async () => {
      await writeFile(
        join(repository, "configs/roles/role-07/files/etc/app/changed.conf"),
        `changed ${change++}\n`,
      );
      await commit(repository, "change");
    });
    const label = files.toLocaleString("en");
    return [
      { what: `${label} files, first`, costs: first },
      { what: `${label} files, one changed`, costs: one },
      { what: `${label} files, none changed`, costs: none },
    ];
  });
}

type Tools = Record<string, () => Promise<Cost>>;

/** Each time to a place of its own, where nothing is yet; the median. */
async function firsts(rounds: readonly Tools[]): Promise<Record<string, Cost>> {
  const costs: Record<string, Cost> = {};
  for (const name of Object.keys(rounds[0]!)) {
    const left = rounds.map((tools) => tools[name]!);
    costs[name] = await median(rounds.length, () => left.shift()!());
  }
  return costs;
}

/** Each tool in turn sees the same change; three changes, and the median. */
async function repeated(tools: Tools, change: () => Promise<void>): Promise<Record<string, Cost>> {
  const costs: Record<string, Cost> = {};
  for (const [name, tool] of Object.entries(tools)) {
    costs[name] = await median(3, async () => {
      await change();
      return tool();
    });
  }
  return costs;
}

async function prepared(sandbox: Sandbox, folder: string, repository: string): Promise<Tools> {
  const place = basename(folder);
  const env = {
    ...shellOf(sandbox),
    RESTIC_PASSWORD: "bench",
    RESTIC_CACHE_DIR: join(folder, "restic-cache"),
    RESTIC_REPOSITORY: `s3:${sandbox.endpoint}/restic-${place}/repository`,
    RCLONE_CONFIG: join(folder, "rclone.conf"),
  };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const s3 = new S3Client({ endpoint: sandbox.endpoint, region, credentials, forcePathStyle: true });
  for (const name of ["rekindle", "rekindle-history", "sync", "restic", "rclone"]) {
    const Bucket = `${name}-${place}`;
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
    );
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  }
  await mkdir(join(folder, "restic-cache"), { recursive: true });
  await writeFile(
    env.RCLONE_CONFIG,
    [
      "[bench]",
      "type = s3",
      "provider = Other",
      "env_auth = true",
      `endpoint = ${sandbox.endpoint}`,
      `region = ${region}`,
      "force_path_style = true",
      "",
    ].join("\n"),
  );
  await measure(["restic", "init"], { env });
  const configs = join(repository, "configs");
  const publish = (bucket: string, ...options: string[]) =>
    measure(
      [process.execPath, join("dist", "bench", "publish-to-one-region.js"), repository, bucket, ...options],
      { env },
    );
  return {
    rekindle: () => publish(`rekindle-${place}`),
    "rekindle with git history": () => publish(`rekindle-history-${place}`, "with-history"),
    "aws s3 sync": () =>
      measure(["aws", "s3", "sync", "--delete", configs, `s3://sync-${place}/configs`], { env }),
    "restic backup": () => measure(["restic", "backup", configs], { env }),
    "rclone sync": () => measure(["rclone", "sync", configs, `bench:rclone-${place}/configs`], { env }),
  };
}
