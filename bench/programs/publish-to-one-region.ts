/**
 * `rekindle publish` to one region: arguments are the repository's folder, the bucket, and whether the git history goes
 * there too, which no other tool sends.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { committedSources, versioned } from "../../bootstrap/commands/committed-sources.ts";
import { publish } from "../../bootstrap/commands/publish.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { gitHistory } from "../../bootstrap/edges/git-bundle.ts";
import { createKeyFile, fileSigner } from "../../bootstrap/edges/signers.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { region } from "../emulator.ts";

const [root, bucket, withHistory] = process.argv.slice(2) as [string, string, string?];
const repository = gitRepository(root);
// As `entry/publish.ts` does.
const loading = import("../../bootstrap/edges/aws/objects.ts");
const commit = await repository.resolve("HEAD");
const [dirty, committed] = await Promise.all([
  repository.dirty(versioned),
  committedSources(repository, commit, "bench"),
]);
if (dirty.length > 0) throw new Error(`dirty: ${dirty.join(", ")}`);
const { s3Store } = await loading;

const keyFile = join(root, "..", "signing-key.pem");
if (!existsSync(keyFile)) createKeyFile(keyFile);
const signer = fileSigner(keyFile);
const access = { endpoint: process.env.AWS_ENDPOINT_URL!, stopwatch: new Stopwatch(systemClock) };
await publish({
  ...committed,
  signer,
  repository,
  history: withHistory === undefined ? { ...gitHistory(root), adds: async () => false } : gitHistory(root),
  trusted: [await signer.publicKey()],
  // Who the caller is and which key the region has are two more calls, of services that the other tools never ask.
  account: { demand: async () => "none", keyArn: async () => "none" },
  catalogs: [new Catalog(s3Store(access, region, bucket, committed.topology.environment.account))],
  clock: systemClock,
  print: () => undefined,
});
