import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { keyAlias, siteBucket } from "../bootstrap/config/names.ts";
import { systemClock } from "../bootstrap/edges/clock.ts";
import { connectCloud } from "../bootstrap/edges/cloud.ts";
import { Stopwatch } from "../bootstrap/edges/stopwatch.ts";
import { encodeJson } from "../bootstrap/json.ts";
import { pointKey } from "../bootstrap/recovery/point-index.ts";
import { sha256 } from "../bootstrap/release/digest.ts";
import type { Manifest } from "../bootstrap/release/manifest.ts";
import { manifestKey } from "../bootstrap/release/release.ts";
import { aCatalog, account, anImage, aPoint, primary, recovery } from "../test/builders.ts";
import { benchTopology } from "./catalog-topology.ts";
import { countRequests, shellOf, withSandbox } from "./emulator.ts";
import { measure } from "./measure.ts";
import type { Row } from "./table.ts";

const hourMs = 3_600_000;

/**
 * Planning, and pruning in both regions, over a catalog of hourly recovery points with ten snapshots each, beside `aws`
 * that only lists the same keys. The emulator holds no EC2 snapshots for them: neither tool asks for these.
 */
export async function catalogs(points: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-bench-points-"));
  const moto = ["python3", resolve("bench/moto-with-points.py"), folder];
  await seed(folder, points);
  return withSandbox(async (sandbox) => {
    await seedRest(sandbox.endpoint);
    const env = shellOf(sandbox);
    const program = (what: string) => [process.execPath, join("dist", "bench", "over-catalog.js"), what];
    const listing = [recovery, primary].map(
      (region) => `aws s3 ls --region ${region} s3://${siteBucket("shop", account, region)}/catalog/points/`,
    );
    const compared = async (what: string, command: string, list: string) => {
      let own = { seconds: 0, peakMiB: 0 };
      const requests = await countRequests(sandbox, async () => {
        own = await measure(program(command), { env });
      });
      const aws = await measure(["sh", "-ec", list], { env });
      return { what, costs: { rekindle: own, "aws s3 ls": aws }, note: `${requests} requests` };
    };
    const label = points.toLocaleString("en");
    return [
      await compared(`plan, of ${label} points`, "plan", listing[0]!),
      await compared(`the newest point's age, of ${label}`, "newest", listing[0]!),
      await compared(`prune (dry), of ${label} points in two regions`, "prune", listing.join("; ")),
    ];
  }, moto).finally(() => rm(folder, { recursive: true }));
}

/** What the emulator is filled with before it starts: over HTTP it would take many minutes. */
async function seed(folder: string, points: number): Promise<void> {
  const now = systemClock.now().getTime();
  const keys = Array.from({ length: points }, (_, index) => {
    const takenAt = new Date(now - (index + 1) * hourMs).toISOString();
    const { id, status } = aPoint({ takenAt });
    return [pointKey({ id, status }), id, takenAt].join("\t");
  });
  await writeFile(join(folder, "keys.tsv"), `${keys.join("\n")}\n`);
  const [set] = aPoint().sets;
  const volumes = Array.from({ length: 10 }, (_, index) => ({
    name: `data-${index}`,
    sizeGiB: 10,
    snapshots: { [primary]: `snap-0123456789abcdef${index}`, [recovery]: `snap-fedcba9876543210${index}` },
  }));
  const template = aPoint({
    id: "@ID@",
    takenAt: "@AT@",
    sets: [{ ...set!, takenAt: "@AT@", volumes } as never],
  });
  await writeFile(join(folder, "point.json"), encodeJson(template));
  const buckets = [recovery, primary].map((region) => [siteBucket("shop", account, region), region]);
  await writeFile(join(folder, "buckets.json"), JSON.stringify(Object.fromEntries(buckets)));
}

/** A release, its images and the keys, as the foundation and a publication leave them. */
async function seedRest(endpoint: string): Promise<void> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const stopwatch = new Stopwatch(systemClock);
  const cloud = connectCloud({ endpoint, credentials, stopwatch }, benchTopology());
  const { pointer, manifests } = aCatalog();
  for (const { region, catalog } of [cloud.recovery, cloud.primary]) {
    const kms = new KMSClient({ endpoint, region, credentials });
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    await kms.send(new CreateAliasCommand({ AliasName: keyAlias("shop"), TargetKeyId: KeyMetadata!.KeyId! }));
    for (const { manifest } of Object.values(manifests)) {
      const here: Manifest = { ...manifest, region, bucket: catalog.store.bucket };
      const body = encodeJson(here);
      await catalog.store.create(manifestKey(manifest.release), Buffer.from(body), sha256(body));
    }
    for (const role of ["web", "db"]) await catalog.writeImage(anImage(role));
    await catalog.movePointer(pointer!, undefined);
  }
}
