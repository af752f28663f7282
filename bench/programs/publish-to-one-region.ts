/**
 * `rekindle publish` to one region: arguments are the repository's folder, the bucket, and whether the git history goes
 * there too, which no other tool sends.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { publish } from "../../bootstrap/commands/publish.ts";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { gitHistory } from "../../bootstrap/edges/git-bundle.ts";
import { createKeyFile, fileSigner } from "../../bootstrap/edges/signers.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { roleSources } from "../../bootstrap/release/sources.ts";
import { secretFaults } from "../../bootstrap/secrets/allowed.ts";
import { region } from "../emulator.ts";

const [root, bucket, withHistory] = process.argv.slice(2) as [string, string, string?];
const repository = gitRepository(root);
const commit = await repository.resolve("HEAD");
const versioned = ["configs", "cloud-init"];
// As `entry/publish.ts` does.
const [dirty, files, { s3Store }] = await Promise.all([
  repository.dirty(versioned),
  repository.files(commit, versioned),
  import("../../bootstrap/edges/aws/objects.ts"),
]);
if (dirty.length > 0) throw new Error(`dirty: ${dirty.join(", ")}`);
const faults = secretFaults(files);
if (faults.length > 0) throw new Error(JSON.stringify(faults));
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
  sources: roleSources(loaded.topology, files),
  signer,
  repository,
  history: withHistory === undefined ? { ...gitHistory(root), adds: async () => false } : gitHistory(root),
  trusted: [await signer.publicKey()],
  // Who the caller is and which key the region has are two more calls, of services that the other tools never ask.
  account: { demand: async () => "none", keyArn: async () => "none" },
  catalogs: [new Catalog(s3Store(access, region, bucket, account))],
  clock: systemClock,
  print: () => undefined,
});
