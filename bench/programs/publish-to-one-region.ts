/**
 * `rekindle publish` to one region: arguments are the repository's folder, the bucket, and whether the git history goes
 * there too, which no other tool sends.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { publish } from "../../bootstrap/commands/publish.ts";
import { readCommit, versioned } from "../../bootstrap/commands/read-commit.ts";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { gitHistory } from "../../bootstrap/edges/git-bundle.ts";
import { readPackedTrees, writePackedTrees } from "../../bootstrap/edges/packed-trees.ts";
import { createKeyFile, fileSigner } from "../../bootstrap/edges/signers.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { packedTrees } from "../../bootstrap/release/packed-trees.ts";
import { roleSources } from "../../bootstrap/release/sources.ts";
import { region } from "../emulator.ts";

const [root, bucket, withHistory] = process.argv.slice(2) as [string, string, string?];
const repository = gitRepository(root);
const commit = await repository.resolve("HEAD");
// As `entry/publish.ts` does.
const record = join(root, "..", `packed-${bucket}.json`);
const [dirty, { files, kept }, { s3Store }] = await Promise.all([
  repository.dirty(versioned),
  readPackedTrees(record, "bench").then((packed) => readCommit(repository, commit, packed)),
  import("../../bootstrap/edges/aws/objects.ts"),
]);
if (dirty.length > 0) throw new Error(`dirty: ${dirty.join(", ")}`);
const loaded = loadTopology(files, "bench");
if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));

const keyFile = join(root, "..", "signing-key.pem");
if (!existsSync(keyFile)) createKeyFile(keyFile);
const signer = fileSigner(keyFile);
const access = { endpoint: process.env.AWS_ENDPOINT_URL!, stopwatch: new Stopwatch(systemClock) };
const { account } = loaded.topology.environment;
await publish({
  topology: loaded.topology,
  commit,
  sources: roleSources(loaded.topology, files, kept),
  signer,
  repository,
  history: withHistory === undefined ? { ...gitHistory(root), adds: async () => false } : gitHistory(root),
  trusted: [await signer.publicKey()],
  // Who the caller is and which key the region has are two more calls, of services that the other tools never ask.
  account: { demand: async () => "none", keyArn: async () => "none" },
  catalogs: [new Catalog(s3Store(access, region, bucket, account))],
  clock: systemClock,
  print: () => undefined,
  remember: (release) => writePackedTrees(record, packedTrees("bench", release)),
});
