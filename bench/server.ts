import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { run } from "../bootstrap/edges/process.ts";
import { createKeyFile, fileSigner } from "../bootstrap/edges/signers.ts";
import { sha256 } from "../bootstrap/release/digest.ts";
import { assembleRelease } from "../bootstrap/release/release.ts";
import { signatureKey, statement } from "../bootstrap/release/signature.ts";
import type { TreeEntry } from "../bootstrap/release/tree.ts";
import { countRequests, region, shellOf, withSandbox } from "./emulator.ts";
import { type Cost, measure, median } from "./measure.ts";
import type { Row } from "./table.ts";
import { configuration, generator } from "./tree.ts";

/** What a server does to get a role's files: the boot script's fetch, verify and unpack, beside tools that copy them back. */
export async function serverSide(files: number): Promise<Row[]> {
  return withSandbox(async (sandbox, folder) => {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const s3 = new S3Client({ endpoint: sandbox.endpoint, region, credentials, forcePathStyle: true });
    for (const Bucket of ["rekindle", "sync", "restic"]) {
      await s3.send(
        new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
      );
      await s3.send(
        new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
      );
    }
    const tree = await makeTree(join(folder, "role"), files);
    const root = join(folder, "server");
    await publishRole(s3, root, tree);
    const env: Record<string, string> = {
      ...shellOf(sandbox),
      PATH: `${await pythonFolder()}:${process.env.PATH}`,
      REKINDLE_ROOT: root,
      REKINDLE_BOOT_SOURCED: "1",
      RESTIC_PASSWORD: "bench",
      RESTIC_CACHE_DIR: join(folder, "cache"),
      RESTIC_REPOSITORY: `s3:${sandbox.endpoint}/restic/repository`,
    };
    await measure(["aws", "s3", "sync", join(folder, "role"), "s3://sync/role"], { env });
    await measure(["restic", "init"], { env });
    await measure(["restic", "backup", join(folder, "role")], { env });
    const boot = `. ${resolve("cloud-init/boot")}; read_identity; open_work; rm -rf "$state"; mkdir -p "$state/releases"; stage_release`;
    const tools: Record<string, () => Promise<Cost>> = {
      rekindle: () => measure(["sh", "-ec", boot], { env }),
      "aws s3 sync": () =>
        measure(["sh", "-ec", `rm -rf ${folder}/a; aws s3 sync s3://sync/role ${folder}/a`], { env }),
      "restic restore": () =>
        measure(["sh", "-ec", `rm -rf ${folder}/b; restic restore latest --target ${folder}/b`], { env }),
    };
    const costs: Record<string, Cost> = {};
    const requests: string[] = [];
    for (const [name, tool] of Object.entries(tools)) {
      requests.push(`${name} ${await countRequests(sandbox, tool)}`);
      costs[name] = await median(5, tool);
    }
    return [{ what: `${files} files of one role`, costs, note: `requests: ${requests.join(", ")}` }];
  });
}

/** A version manager's stand-in starts slowly, and no server has one: all tools get the interpreter itself. */
async function pythonFolder(): Promise<string> {
  const { stdout } = await run("python3", ["-c", "import sys; print(sys.executable)"]);
  return dirname(stdout.trim());
}

async function makeTree(folder: string, files: number): Promise<TreeEntry[]> {
  const random = generator(2);
  const tree: TreeEntry[] = [];
  for (let index = 0; index < files; index++) {
    const path = `etc/app/part-${String(Math.floor(index / 50))}/file-${String(index).padStart(4, "0")}.conf`;
    const content = Buffer.from(configuration(random, 1024 + Math.floor(random() * 7168)));
    tree.push({ kind: "file", path, mode: "0644", owner: "root", group: "root", content, template: false });
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return tree.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Puts a signed release into the bucket, and the identity and the trusted key onto the server. */
async function publishRole(s3: S3Client, root: string, tree: TreeEntry[]): Promise<void> {
  const duties = {
    services: [],
    health: { kind: "tcp" as const, port: 80, timeoutSeconds: 10 },
    volumes: [],
  };
  const source = { tree, restartedBy: () => undefined, duties, userData: [], recipe: "none" };
  const { roles, release } = await assembleRelease("bench", "a".repeat(40), { web: source });
  const { bundle: packed, ...said } = roles.web!;
  const put = async (Key: string, Body: Uint8Array) =>
    (await s3.send(new PutObjectCommand({ Bucket: "rekindle", Key, Body }))).VersionId!;
  const key = `bundles/web/${said.bundleSha256}.tar.gz`;
  const bundle = { key, versionId: await put(key, await packed()) };
  const about = {
    version: 1,
    release,
    environment: "bench",
    commit: "a".repeat(40),
    region,
    bucket: "rekindle",
  };
  const text = `${JSON.stringify({ ...about, roles: { web: { ...said, bundle } } }, undefined, 2)}\n`;
  const manifestKey = `releases/${release}/manifest.json`;
  const version = await put(manifestKey, Buffer.from(text));
  const keyFile = join(root, "..", "signing-key.pem");
  const { id, pem } = createKeyFile(keyFile);
  await put(signatureKey(release, id), await fileSigner(keyFile).sign(statement(sha256(text))));
  await mkdir(join(root, "etc/rekindle/keys"), { recursive: true });
  writeFileSync(join(root, `etc/rekindle/keys/${id}.pem`), pem);
  const template = readFileSync("cloud-init/templates/server.yaml", "utf8");
  const identity = {
    environment: "bench",
    role: "web",
    server: "web-0",
    region,
    release,
    bucket: "rekindle",
    manifestKey,
    manifestVersion: version,
    manifestSha256: sha256(text),
    hosts: "",
    databases: "",
  };
  const lines = [...template.matchAll(/^ *(REKINDLE_\w+)='\{\{(\w+)\}\}'$/gm)].map(
    ([, name, variable]) => `${name}='${identity[variable as keyof typeof identity]}'`,
  );
  writeFileSync(join(root, "etc/rekindle/identity"), `${lines.join("\n")}\n`);
}
