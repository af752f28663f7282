import { keyAlias } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import type { Repository } from "../edges/git.ts";
import { RekindleError } from "../errors.ts";
import { type HistoryRecord, releaseBefore } from "../release/history.ts";
import type { Manifest, ManifestPin, Pointer } from "../release/manifest.ts";
import { movePointer } from "./pointer.ts";

export interface RollbackContext {
  topology: Topology;
  /** The release to go back to; else the one that was live before the current one was published. */
  release: string | undefined;
  reason: string;
  account: Pick<Account, "demand" | "keyArn">;
  /** Asked of a commit that was published before there was a history. */
  repository: Pick<Repository, "describe">;
  /** One for each region, the recovery region's first: its pointer is the one that counts. */
  catalogs: readonly Catalog[];
  clock: Pick<Clock, "now">;
}

export interface RolledBack {
  version: 1;
  release: string;
  commit: string;
  /** The release that was live before. */
  previous: string;
  reason: string;
}

/** What a region holds of a release. */
interface Held {
  catalog: Catalog;
  manifest: Manifest;
  pin: ManifestPin;
}

/** Points the environment to a release that is in every region already. Uploads nothing, and touches no server. */
export async function rollBack(context: RollbackContext): Promise<RolledBack> {
  const { catalogs, account, topology, clock, reason } = context;
  const { environment } = topology;
  if (reason.trim() === "") {
    throw new RekindleError(
      "bad-input",
      'a rollback needs a reason, for the history; give one: --reason "…"',
    );
  }
  const [before, history, publishers] = await Promise.all([
    catalogs[0]!.pointer(),
    catalogs[0]!.history(),
    Promise.all(catalogs.map(({ store }) => account.demand(environment.account, store.region))),
    ...catalogs.map(({ store }) => store.inspect()),
  ]);
  if (before === undefined) {
    throw await refusal(catalogs, `nothing is published for ${environment.name} yet; run: rekindle publish`);
  }
  const current = before.pointer.release;
  const release = await target(context, current, history);
  const [held, keys] = await Promise.all([
    heldInEveryRegion(catalogs, release),
    Promise.all(catalogs.map(({ store }) => account.keyArn(store.region, keyAlias(environment.name)))),
  ]);
  const { commit } = held[0]!.manifest;
  const [described] = await Promise.all([
    history.find((record) => record.commit === commit) ?? context.repository.describe(commit),
    demandBundles(held, release),
  ]);
  const pointer: Pointer = {
    version: 1,
    environment: environment.name,
    release,
    commit,
    sites: Object.fromEntries(
      held.map(({ catalog, pin }, index) => [
        catalog.store.region,
        { manifest: pin, encryptionKey: keys[index]! },
      ]),
    ),
  };
  const { author, subject } = described;
  const said = { kind: "rollback", author, subject, publisher: publishers[0]!, reason } as const;
  await movePointer({ catalogs, before, pointer, said, clock });
  return { version: 1, release, commit, previous: current, reason };
}

async function target(
  { release, catalogs }: RollbackContext,
  current: string,
  history: readonly HistoryRecord[],
): Promise<string> {
  const found = release ?? releaseBefore(history, current);
  if (found === undefined) {
    throw await refusal(catalogs, `the history knows no release before ${current}, which is live; name one`);
  }
  if (found === current) throw await refusal(catalogs, `release ${current} is live already; name another`);
  return found;
}

async function heldInEveryRegion(catalogs: readonly Catalog[], release: string): Promise<Held[]> {
  const found = await Promise.all(
    catalogs.map(async (catalog) => ({ catalog, ...(await catalog.manifest(release)) })),
  );
  const held = found.filter((one): one is Held => one.manifest !== undefined);
  if (held.length === found.length) return held;
  const missing = found.filter(({ manifest }) => manifest === undefined);
  const where = missing.map(({ catalog }) => catalog.store.region).join(" and ");
  throw await refusal(
    catalogs,
    held.length === 0
      ? `there is no release ${release}; name one that is`
      : `release ${release} has no manifest in ${where}; publish its commit again (--commit ${held[0]!.manifest.commit.slice(0, 12)}), or name another`,
  );
}

/** An old release may lie in a Glacier class: servers that were to run it could not read it. */
async function demandBundles(held: readonly Held[], release: string): Promise<void> {
  const looked = await Promise.all(
    held.flatMap(({ catalog: { store }, manifest }) =>
      Object.values(manifest.roles).map(async ({ bundle }) => ({
        bundle: `s3://${store.bucket}/${bundle.key}`,
        is: (await store.availability(bundle.key, bundle.versionId)) ?? "gone",
      })),
    ),
  );
  const unreadable = looked.filter(({ is }) => is !== "readable");
  if (unreadable.length === 0) return;
  throw new RekindleError(
    "refused",
    `servers could not read release ${release}; nothing was changed; ` +
      (unreadable.some(({ is }) => is === "gone")
        ? `look at it: rekindle verify-release ${release}`
        : `make it readable: rekindle thaw-release ${release}`),
    { details: unreadable.map(({ bundle, is }) => `${is}: ${bundle}`) },
  );
}

/** Lists what there is to choose from, and in which regions it lies. */
async function refusal(catalogs: readonly Catalog[], message: string): Promise<RekindleError> {
  const [pointer, ...lists] = await Promise.all([
    catalogs[0]!.pointer(),
    ...catalogs.map((catalog) => catalog.releases()),
  ]);
  const releases = [...new Set(lists.flat())].sort();
  const details = releases.map((release) => {
    const regions = catalogs.filter((_, index) => lists[index]!.includes(release));
    const where = regions.map(({ store }) => store.region).join(", ");
    return `${release} in ${where}${release === pointer?.pointer.release ? ", live" : ""}`;
  });
  return new RekindleError("refused", message, {
    details: details.length === 0 ? ["no release is in any region"] : details,
  });
}
