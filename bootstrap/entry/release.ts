import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { restoreIntact, verifyRelease } from "../commands/verify-release.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { createKeyFile } from "../edges/signers.ts";
import { RekindleError } from "../errors.ts";
import type { PublicKey } from "../release/signature.ts";
import { trustedKeyPath, trustedKeys } from "../release/trust.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { environmentName, projectRoot, topologyOf } from "./project.ts";
import { running } from "./shell.ts";
import { sandboxTrust, signerOfShell } from "./signing.ts";

/** The commands about signed releases: checking one from the buckets, and the keys that sign. */

export async function verifyReleaseCommand(
  named: string | undefined,
  options: Options & { restore?: boolean },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const cloud = cloudOfShell(topology, running());
  const { catalogs } = cloud;
  const pointer = (await cloud.recovery.catalog.pointer())?.pointer;
  const release = named ?? pointer?.release;
  if (release === undefined)
    throw new RekindleError(
      "bad-input",
      `nothing is published for ${topology.environment.name} yet; name a release, or run: rekindle publish`,
    );
  const isLive = release === pointer?.release;
  const pinned = Object.entries(isLive ? pointer.sites : {}).map(([region, { manifest }]) => [
    region,
    manifest.sha256,
  ]);
  const trusted = [...trustedKeys(await readConfigFiles(projectRoot())), ...(await sandboxTrust())];
  const verified = await verifyRelease({ release, pinned: Object.fromEntries(pinned), catalogs, trusted });
  answer(options, verified, [
    ...Object.entries(verified.signatures).map(
      ([region, keys]) => `${region}: signed by ${keys.join(", ") || "nobody who is trusted"}`,
    ),
    ...verified.damage.flatMap(({ bucket, key, fault, intact }) => [
      `DAMAGED: s3://${bucket}/${key}: ${fault}`,
      intact === undefined
        ? "  no intact version is left; publish the commit again, or take the other region's copy"
        : `  version ${intact.versionId} of ${intact.at} is intact; put it back with --restore`,
    ]),
    `${verified.intact} objects of release ${release} are as they were published, ${verified.damage.length} are not`,
  ]);
  if (verified.damage.length === 0) return;
  if (options.restore) {
    const restored = await restoreIntact(catalogs, verified.damage);
    console.error(`${restored.length} of ${verified.damage.length} objects put back; run it again to see`);
  }
  throw new RekindleError("failed-check", `release ${release} is damaged: ${verified.damage.length} objects`);
}

/** A new Ed25519 key: the private half goes to a file, the public one into the repository. */
export async function newKeyCommand(file: string): Promise<void> {
  const key = createKeyFile(file);
  const path = await writeTrusted(key);
  console.log(`key ${key.id}: ${file} signs (REKINDLE_SIGNING_KEY=${file}); ${path} is to be committed`);
}

/** Writes the public half of the key in use into the repository, so that servers of the next images trust it. */
export async function trustKeyCommand(options: Options): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const key = await (await signerOfShell(topology, running())).publicKey();
  const path = await writeTrusted(key);
  console.log(`key ${key.id}: ${path} is to be committed; then bake, and publish`);
}

async function writeTrusted(key: PublicKey): Promise<string> {
  const path = trustedKeyPath(key);
  const full = join(projectRoot(), path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, key.pem);
  return path;
}
