import { gzipSync } from "node:zlib";
import { keyAlias } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { Catalog } from "../edges/catalog.ts";
import { RekindleError } from "../errors.ts";
import { encodeJson } from "../json.ts";
import { sha256 } from "../release/digest.ts";
import type { Manifest, ManifestRole, Pointer } from "../release/manifest.ts";
import {
  assembleRelease,
  bundleKey,
  manifestKey,
  type Release,
  type RoleSource,
} from "../release/release.ts";

export interface PublishContext {
  topology: Topology;
  commit: string;
  sources: Record<string, RoleSource>;
  account: Account;
  /** One for each region, the recovery region's first: its pointer is the one that counts. */
  catalogs: readonly Catalog[];
  print(line: string): void;
}

export interface Published {
  release: string;
  commit: string;
  /** Objects written, over all regions; 0 when the release was already there. */
  uploaded: number;
  pointer: "moved" | "unchanged";
}

/** Packs a commit, writes it to every region, then moves the environment's pointer. */
export async function publish(context: PublishContext): Promise<Published> {
  const { environment } = context.topology;
  await Promise.all(
    context.catalogs.map(({ store }) => context.account.demand(environment.account, store.region)),
  );
  await Promise.all(context.catalogs.map(({ store }) => store.inspect()));
  // Read before anything is uploaded: whoever moves the pointer meanwhile is noticed by the swap.
  const before = await context.catalogs[0]!.pointer();

  const release = await assembleRelease(environment.name, context.commit, context.sources);
  const sites = await Promise.all(
    context.catalogs.map((catalog) => publishToRegion(context, catalog, release)),
  );
  const pointer: Pointer = {
    version: 1,
    environment: environment.name,
    release: release.release,
    commit: release.commit,
    sites: Object.fromEntries(sites.map(({ region, site }) => [region, site])),
  };
  const moved = await movePointer(context.catalogs, pointer, before);
  return {
    release: release.release,
    commit: release.commit,
    uploaded: sites.reduce((sum, { uploaded }) => sum + uploaded, 0),
    pointer: moved,
  };
}

async function publishToRegion(context: PublishContext, catalog: Catalog, release: Release) {
  const { store } = catalog;
  const encryptionKey = await context.account.keyArn(store.region, keyAlias(release.environment));
  const existing = await catalog.manifest(release.release);
  if (existing !== undefined)
    return { region: store.region, site: { manifest: existing.pin, encryptionKey }, uploaded: 0 };
  let uploaded = 0;
  const roles: Record<string, ManifestRole> = {};
  for (const [role, { tar, ...rest }] of Object.entries(release.roles)) {
    const key = bundleKey(role, rest.bundleSha256);
    const created = await store.create(key, gzipSync(tar, { level: 9 }), rest.bundleSha256);
    if (created.kind === "created") uploaded++;
    roles[role] = { ...rest, bundle: { key, versionId: created.versionId } };
  }
  const manifest: Manifest = {
    version: 1,
    release: release.release,
    environment: release.environment,
    commit: release.commit,
    region: store.region,
    bucket: store.bucket,
    roles,
  };
  const body = encodeJson(manifest);
  const created = await store.create(manifestKey(release.release), Buffer.from(body), sha256(body));
  const { pin } = (await catalog.manifest(release.release))!;
  context.print(
    `release ${release.release} is in ${store.region}: ${uploaded} bundles and its manifest uploaded`,
  );
  return {
    region: store.region,
    site: { manifest: pin, encryptionKey },
    uploaded: uploaded + (created.kind === "created" ? 1 : 0),
  };
}

/** The first catalog's pointer decides; the others hold copies of it for the day when that region is the lost one. */
async function movePointer(
  [deciding, ...copies]: readonly Catalog[],
  pointer: Pointer,
  before: Awaited<ReturnType<Catalog["pointer"]>>,
): Promise<"moved" | "unchanged"> {
  let outcome: "moved" | "unchanged" = "unchanged";
  if (!samePointer(before?.pointer, pointer)) {
    outcome = "moved";
    if ((await deciding!.movePointer(pointer, before?.etag)) === "moved") {
      const winner = (await deciding!.pointer())?.pointer;
      if (!samePointer(winner, pointer)) throw pointerMoved(pointer, winner);
      outcome = "unchanged";
    }
  }
  for (const copy of copies) {
    const held = await copy.pointer();
    if (samePointer(held?.pointer, pointer)) continue;
    // Someone else is copying too: whatever they write was read from the deciding pointer as well.
    await copy.movePointer(pointer, held?.etag);
  }
  return outcome;
}

function samePointer(a: Pointer | undefined, b: Pointer): boolean {
  return a !== undefined && encodeJson(a) === encodeJson(b);
}

function pointerMoved(ours: Pointer, theirs: Pointer | undefined): RekindleError {
  return new RekindleError(
    "refused",
    `the pointer of ${ours.environment} moved while commit ${ours.commit} was being published: it now names commit ` +
      `${theirs?.commit ?? "of nothing"}; the release is uploaded and not live; ` +
      "look at both commits, then publish the one that should be live",
  );
}
