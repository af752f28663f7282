import { gunzipSync } from "node:zlib";
import type { Catalog } from "../edges/catalog.ts";
import { RekindleError } from "../errors.ts";
import type { RoleSide, Side } from "../history/compare.ts";
import { momentOf, releaseAt } from "../history/live-at.ts";
import { sha256 } from "../release/digest.ts";
import type { HistoryRecord } from "../release/history.ts";
import type { Manifest, ManifestPin, ManifestRole } from "../release/manifest.ts";
import { isSignedBy, type PublicKey, signatureKey } from "../release/signature.ts";
import { readTar } from "../release/untar.ts";

/** A release's configuration, from the first of the regions that has all of it intact. */
export async function releaseSide(
  name: string,
  release: string,
  catalogs: readonly Catalog[],
  only: string | undefined,
  trusted?: readonly PublicKey[],
): Promise<Side> {
  const roles = await fromFirst(
    catalogs,
    `release ${release} can't be read from any region`,
    async (catalog) => {
      const found = await catalog.manifest(release);
      if (found === undefined) return undefined;
      if (trusted !== undefined) await demandSignature(catalog, found, trusted);
      const wanted = Object.entries(found.manifest.roles).filter(
        ([role]) => only === undefined || role === only,
      );
      return Promise.all(
        wanted.map(async ([role, entry]) => [role, await roleSide(catalog, role, entry)] as const),
      );
    },
  );
  if (roles !== undefined) return { name, isLive: false, roles: Object.fromEntries(roles) };
  throw new RekindleError(
    "bad-input",
    `there is no release ${release} in ${catalogs.map(({ store }) => store.region).join(" or ")}; name one that \`rekindle log\` shows`,
  );
}

/** Refuses what no trusted key has signed for this region. */
async function demandSignature(
  { store }: Catalog,
  { manifest, pin }: { manifest: Manifest; pin: ManifestPin },
  trusted: readonly PublicKey[],
): Promise<void> {
  const at = `s3://${pin.bucket}/${pin.key}`;
  if (manifest.region !== store.region)
    throw new RekindleError("failed-check", `${at} is the manifest of region ${manifest.region}`);
  for (const key of trusted) {
    const signature = await store.get(signatureKey(manifest.release, key.id));
    if (signature !== undefined && isSignedBy(key, pin.sha256, signature.body)) return;
  }
  const keys = trusted.map(({ id }) => id).join(", ") || "none is trusted";
  throw new RekindleError("failed-check", `${at}: no trusted key has signed it (${keys})`);
}

/** The release that was live at a time in ISO 8601. */
export async function releaseLiveAt(time: string, catalogs: readonly Catalog[]): Promise<string> {
  const read = async (catalog: Catalog): Promise<HistoryRecord[] | undefined> => {
    const records = await catalog.history();
    return records.length === 0 ? undefined : records;
  };
  const records = (await fromFirst(catalogs, "no region's history can be read", read)) ?? [];
  const release = releaseAt(records, momentOf(time)!);
  if (release !== undefined) return release;
  const first = records.at(-1)?.at;
  throw new RekindleError(
    "bad-input",
    `no release was live at ${time}: ${first === undefined ? "there is no history yet" : `the history begins at ${first}`}; name a later time, or a commit`,
  );
}

/** The first answer; nothing when every region says that there is none. A region that can't say is not one that says no. */
async function fromFirst<T>(
  catalogs: readonly Catalog[],
  failure: string,
  read: (catalog: Catalog) => Promise<T | undefined>,
): Promise<T | undefined> {
  const faults: { region: string; error: RekindleError }[] = [];
  for (const catalog of catalogs) {
    try {
      const found = await read(catalog);
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof RekindleError)) throw error;
      faults.push({ region: catalog.store.region, error });
    }
  }
  if (faults.length === 0) return undefined;
  throw new RekindleError(
    faults[0]!.error.kind,
    `${failure}; see why, and check it: rekindle verify-release`,
    {
      details: faults.map(({ region, error }) => `${region}: ${error.message}`),
      cause: faults[0]!.error,
    },
  );
}

async function roleSide(catalog: Catalog, role: string, entry: ManifestRole): Promise<RoleSide> {
  const { key, versionId } = entry.bundle;
  const at = `s3://${catalog.store.bucket}/${key} version ${versionId}`;
  const object = await catalog.store.get(key, versionId);
  if (object === undefined) throw new RekindleError("failed-check", `${at} of role ${role} is gone`);
  const tar = unzipped(object.body, at);
  if (sha256(tar) !== entry.bundleSha256)
    throw new RekindleError(
      "failed-check",
      `${at} of role ${role} is damaged: its tar's digest is ${sha256(tar)} and not ${entry.bundleSha256}`,
    );
  // A tar can't say which of its files are templates.
  const templates = new Set(
    entry.files.flatMap((file) => (file.kind === "file" && file.template ? [file.path] : [])),
  );
  const tree = (await readTar(tar)).map((one) =>
    one.kind === "file" ? { ...one, template: templates.has(one.path) } : one,
  );
  return { tree, userData: entry.userData };
}

function unzipped(body: Buffer, at: string): Buffer {
  try {
    return gunzipSync(body);
  } catch (cause) {
    throw new RekindleError("failed-check", `${at} can't be unpacked: ${(cause as Error).message}`, {
      cause,
    });
  }
}
