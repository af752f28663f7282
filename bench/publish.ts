import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
    const tools = await prepared(sandbox, folder, repository);

    const first = await once(tools);
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

async function once(tools: Tools): Promise<Record<string, Cost>> {
  const costs: Record<string, Cost> = {};
  for (const [name, tool] of Object.entries(tools)) costs[name] = await tool();
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
  const env = {
    ...shellOf(sandbox),
    RESTIC_PASSWORD: "bench",
    RESTIC_CACHE_DIR: join(folder, "restic-cache"),
    RESTIC_REPOSITORY: `s3:${sandbox.endpoint}/restic/repository`,
    RCLONE_CONFIG: join(folder, "rclone.conf"),
  };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const s3 = new S3Client({ endpoint: sandbox.endpoint, region, credentials, forcePathStyle: true });
  for (const Bucket of ["rekindle", "rekindle-history", "sync", "restic", "rclone"]) {
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
    );
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  }
  await mkdir(join(folder, "restic-cache"));
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
  const program = join("dist", "bench", "publish-to-one-region.js");
  return {
    rekindle: () => measure([process.execPath, program, repository, "rekindle"], { env }),
    "rekindle with git history": () =>
      measure([process.execPath, program, repository, "rekindle-history", "with-history"], { env }),
    "aws s3 sync": () => measure(["aws", "s3", "sync", "--delete", configs, "s3://sync/configs"], { env }),
    "restic backup": () => measure(["restic", "backup", configs], { env }),
    "rclone sync": () => measure(["rclone", "sync", configs, "bench:rclone/configs"], { env }),
  };
}
