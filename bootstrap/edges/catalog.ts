import { chooseDump, type DumpWish } from "../dump/choose.ts";
import { type Dump, dumpId, dumpName } from "../dump/dump.ts";
import { RekindleError } from "../errors.ts";
import type { BootReport } from "../history/log.ts";
import { type GoldenImage, type ServerImage, type TakenImage, takenIdentity } from "../image/image.ts";
import { decodeJson, encodeJson } from "../json.ts";
import type { Wish } from "../recovery/choose.ts";
import type { Hold } from "../recovery/hold.ts";
import type { PinnedPlan, RecoveryPlan } from "../recovery/plan.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import {
  afterMoment,
  type PointEntry,
  pointEntries,
  pointKey,
  pointPrefix,
  pointStem,
} from "../recovery/point-index.ts";
import type { CatalogContents } from "../recovery/resolve.ts";
import { sha256 } from "../release/digest.ts";
import { type HistoryRecord, historyKey, historyPrefix, releaseInKeys } from "../release/history.ts";
import type { Manifest, ManifestPin, Pointer } from "../release/manifest.ts";
import { manifestKey, manifestPin } from "../release/release.ts";
import type { ObjectStore } from "./aws/objects.ts";

const pointerKey = "current.json";
const pinnedPlanKey = "catalog/pinned-plan.json";
const imageKey = (recipe: string) => `catalog/images/${recipe}.json`;
const holdKey = (id: string) => `catalog/holds/${id}.json`;
const dumpsPrefix = "catalog/dumps/";
const dumpKey = (id: string) => `${dumpsPrefix}${id}.json`;
/** So many reasons against newer points are told one by one. */
const pointsTold = 20;

/** The index of one region: what a rebuild there can read when nothing else answers. */
export class Catalog {
  readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
  }

  async pointer(): Promise<{ pointer: Pointer; etag: string } | undefined> {
    const object = await this.store.get(pointerKey);
    return (
      object && {
        pointer: decodeJson<Pointer>(this.#at(pointerKey), object.body.toString(), 1),
        etag: object.etag,
      }
    );
  }

  movePointer(pointer: Pointer, etag: string | undefined): Promise<"swapped" | "moved"> {
    return this.store.swap(pointerKey, Buffer.from(encodeJson(pointer)), etag);
  }

  /**
   * A release's manifest in this region, with the version and digest that servers check it by. Raises for another
   * release's, however well that is signed: whoever replays one would have an old state come back for a new one.
   */
  async manifest(release: string): Promise<{ manifest: Manifest; pin: ManifestPin } | undefined> {
    const key = manifestKey(release);
    const object = await this.store.get(key);
    if (object === undefined) return undefined;
    const body = object.body.toString();
    const manifest = decodeJson<Manifest>(this.#at(key), body, 1);
    if (manifest.release !== release)
      throw new RekindleError(
        "failed-check",
        `${this.#at(key)} is the manifest of release ${manifest.release}: someone has replaced it; put back what was published: rekindle verify-release ${release} --restore`,
      );
    return {
      manifest,
      pin: manifestPin(this.store.bucket, release, object.versionId, body),
    };
  }

  /** Every release that has a manifest in this region, sorted. */
  async releases(): Promise<string[]> {
    const keys = await this.store.list("releases/");
    return [...new Set(keys.map((key) => key.split("/")[1]!))].filter((release) =>
      keys.includes(manifestKey(release)),
    );
  }

  /** Every move of the pointer, the newest first. */
  async history(): Promise<HistoryRecord[]> {
    return (await this.#readAll<HistoryRecord>(historyPrefix)).reverse();
  }

  /** The newest move that is recorded. */
  async newestMove(): Promise<HistoryRecord | undefined> {
    const newest = (await this.store.list(historyPrefix)).at(-1);
    return newest === undefined ? undefined : this.#read<HistoryRecord>(newest);
  }

  /** The release that the pointer led to at a moment; nothing before the history begins. */
  async releaseAt(moment: string): Promise<string | undefined> {
    return releaseInKeys(await this.store.list(historyPrefix), moment);
  }

  /** The releases that the last moves made live, the newest first. */
  async newestReleases(count: number): Promise<string[]> {
    const keys = (await this.store.list(historyPrefix)).slice(-count).reverse();
    const moves = await Promise.all(keys.map((key) => this.#read<HistoryRecord>(key)));
    return moves.flatMap((move) => move?.release ?? []);
  }

  async writeHistory(record: HistoryRecord): Promise<void> {
    const body = encodeJson(record);
    await this.store.create(historyKey(record), Buffer.from(body), sha256(body));
  }

  /** How the servers' boots went, as they said themselves: the region's own, and what was replicated. */
  reports(): Promise<BootReport[]> {
    return this.#readAll<BootReport>("reports/");
  }

  /** Everything that planning looks at: the points up to the first that `whyNot` has nothing against, or one by name. */
  async contents(wish: Wish, whyNot: (point: RecoveryPoint) => readonly string[]): Promise<CatalogContents> {
    const [found, images, { points, skipped }] = await Promise.all([
      this.pointer(),
      this.images(),
      this.#lookFor(wish, whyNot),
    ]);
    const releases = new Set([
      ...points.map(({ release }) => release.release),
      ...(found ? [found.pointer.release] : []),
    ]);
    const manifests = await Promise.all([...releases].map((release) => this.manifest(release)));
    return {
      pointer: found?.pointer,
      images: images.filter(({ removing }) => !removing),
      points,
      skipped,
      manifests: Object.fromEntries(
        manifests.filter((one) => one !== undefined).map((one) => [one.manifest.release, one]),
      ),
    };
  }

  /** Every image, also those that a prune has begun to remove. */
  images(): Promise<ServerImage[]> {
    return this.#readAll<ServerImage>("catalog/images/");
  }

  async image(recipe: string): Promise<GoldenImage | undefined> {
    const image = await this.#read<GoldenImage>(imageKey(recipe));
    return image?.removing ? undefined : image;
  }

  removeImage(recipe: string): Promise<void> {
    return this.store.remove(imageKey(recipe));
  }

  async takenImage(name: string): Promise<TakenImage | undefined> {
    const image = await this.#read<TakenImage>(imageKey(takenIdentity(name)));
    return image?.removing ? undefined : image;
  }

  writeImage(image: ServerImage): Promise<void> {
    return this.#write(imageKey(image.recipe), image);
  }

  /** The index of all points, the newest first, page by page; `asOf` leaves out what began after it. */
  entries(asOf?: string): AsyncGenerator<PointEntry> {
    return pointEntries(this.store.pages(pointPrefix, asOf === undefined ? undefined : afterMoment(asOf)));
  }

  /** The newest points, the newest first. */
  async points(limit = Number.POSITIVE_INFINITY): Promise<RecoveryPoint[]> {
    const points: RecoveryPoint[] = [];
    for await (const entry of this.entries()) {
      if (points.length >= limit) break;
      const point = await this.#pointOf(entry);
      if (point !== undefined) points.push(point);
    }
    return points;
  }

  async point(id: string): Promise<RecoveryPoint | undefined> {
    const stem = pointStem(id);
    if (stem === undefined) return undefined;
    for await (const entry of pointEntries([await this.store.list(stem)])) return this.#pointOf(entry);
    return undefined;
  }

  /** A point that a prune removes stays marked, whoever still works on it: what it consists of is going. */
  async writePoint(point: RecoveryPoint): Promise<void> {
    const key = pointKey(point);
    await this.#write(key, point);
    await this.#removeKeys(point.id, [key, pointKey({ id: point.id, status: "removing" })]);
  }

  /** Takes the mark of a prune away that has removed nothing of the point. */
  async unmarkPoint(point: RecoveryPoint): Promise<void> {
    const key = pointKey(point);
    await this.#write(key, point);
    await this.#removeKeys(point.id, [key]);
  }

  removePoint(id: string): Promise<void> {
    return this.#removeKeys(id, []);
  }

  async #removeKeys(id: string, kept: readonly string[]): Promise<void> {
    const stem = pointStem(id);
    const keys = stem === undefined ? [] : await this.store.list(stem);
    for (const key of keys) if (!kept.includes(key)) await this.store.remove(key);
  }

  async #lookFor(wish: Wish, whyNot: (point: RecoveryPoint) => readonly string[]) {
    const points: RecoveryPoint[] = [];
    if (wish.kind === "point") {
      const named = await this.point(wish.id);
      const others = named === undefined || whyNot(named).length > 0 ? await this.points(pointsTold) : [];
      const rest = others.filter(({ id }) => id !== wish.id);
      return { points: named === undefined ? rest : [named, ...rest], skipped: 0 };
    }
    let skipped = 0;
    for await (const entry of this.entries(wish.kind === "as-of" ? wish.moment : undefined)) {
      const isTold = points.length < pointsTold;
      const point = isTold || entry.status === "complete" ? await this.#pointOf(entry) : undefined;
      const isUsable = point !== undefined && whyNot(point).length === 0;
      if (point !== undefined && (isTold || isUsable)) points.push(point);
      else skipped++;
      if (isUsable) break;
    }
    return { points, skipped };
  }

  async #pointOf({ id, status }: PointEntry): Promise<RecoveryPoint | undefined> {
    if (status === "unknown") return undefined;
    // Whoever changed its status since it was listed has written the new key already.
    return (await this.#read<RecoveryPoint>(pointKey({ id, status }))) ?? this.point(id);
  }

  async holds(): Promise<Hold[]> {
    return this.#readAll<Hold>("catalog/holds/");
  }

  writeHold(hold: Hold): Promise<void> {
    return this.#write(holdKey(hold.id), hold);
  }

  removeHold(id: string): Promise<void> {
    return this.store.remove(holdKey(id));
  }

  /** Every dump, or those of one name. */
  async dumps(name?: string): Promise<Dump[]> {
    if (name === undefined) return this.#readAll<Dump>(dumpsPrefix);
    const dumps = await Promise.all((await this.#dumpIds(name)).map((id) => this.dump(id)));
    return dumps.filter((dump) => dump !== undefined);
  }

  /** Dumps of a name, the newest first, up to the first that answers the wish and can be restored in this place. */
  async dumpsUpTo(name: string, wish: DumpWish, place = this.store.region): Promise<Dump[]> {
    const begun = wish.kind === "as-of" ? dumpId(name, new Date(wish.moment)) : undefined;
    const found: Dump[] = [];
    for (const id of (await this.#dumpIds(name)).reverse()) {
      if (begun !== undefined && id > begun) continue;
      const dump = await this.dump(id);
      if (dump === undefined) continue;
      found.push(dump);
      if (chooseDump([dump], wish, place).kind === "chosen") break;
    }
    return found;
  }

  async #dumpIds(name: string): Promise<string[]> {
    const keys = await this.store.list(dumpsPrefix);
    return keys
      .map((key) => key.slice(dumpsPrefix.length, -".json".length))
      .filter((id) => dumpName(id) === name);
  }

  dump(id: string): Promise<Dump | undefined> {
    return this.#read<Dump>(dumpKey(id));
  }

  writeDump(dump: Dump): Promise<void> {
    return this.#write(dumpKey(dump.id), dump);
  }

  removeDump(id: string): Promise<void> {
    return this.store.remove(dumpKey(id));
  }

  async pinnedPlan(): Promise<PinnedPlan | undefined> {
    return this.#read<PinnedPlan>(pinnedPlanKey);
  }

  pinPlan(pinned: PinnedPlan): Promise<void> {
    return this.#write(pinnedPlanKey, pinned);
  }

  writePlan(plan: RecoveryPlan): Promise<void> {
    return this.#write(`catalog/plans/${plan.id}.json`, plan);
  }

  async #read<T extends { version: 1 }>(key: string): Promise<T | undefined> {
    const object = await this.store.get(key);
    return object && decodeJson<T>(this.#at(key), object.body.toString(), 1);
  }

  async #readAll<T extends { version: 1 }>(prefix: string): Promise<T[]> {
    const keys = await this.store.list(prefix);
    const values = await Promise.all(keys.map((key) => this.#read<T>(key)));
    return values.filter((value) => value !== undefined);
  }

  /** One writer at a time: what another one wrote since it was read is not lost, since the bucket keeps versions. */
  async #write(key: string, value: { version: 1 }): Promise<void> {
    const body = Buffer.from(encodeJson(value));
    for (;;) {
      const etag = (await this.store.get(key))?.etag;
      if ((await this.store.swap(key, body, etag)) === "swapped") return;
    }
  }

  #at(key: string): string {
    return `s3://${this.store.bucket}/${key}`;
  }
}
