import type { GoldenImage } from "../image/image.ts";
import { decodeJson, encodeJson } from "../json.ts";
import type { PinnedPlan, RecoveryPlan } from "../recovery/plan.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import type { Manifest, Pointer } from "../release/manifest.ts";
import { manifestKey } from "../release/release.ts";
import type { ObjectStore } from "./aws/objects.ts";

const pointerKey = "current.json";
const pinnedPlanKey = "catalog/pinned-plan.json";
const imageKey = (recipe: string) => `catalog/images/${recipe}.json`;
const pointKey = (id: string) => `catalog/points/${id}.json`;

/** The index of one region: what a rebuild there can read when nothing else answers. */
export class Catalog {
  readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
  }

  async pointer(): Promise<{ pointer: Pointer; etag: string } | undefined> {
    const object = await this.store.get(pointerKey);
    return object && { pointer: decodeJson<Pointer>(this.#at(pointerKey), object.body.toString(), 1), etag: object.etag };
  }

  movePointer(pointer: Pointer, etag: string | undefined): Promise<"swapped" | "moved"> {
    return this.store.swap(pointerKey, Buffer.from(encodeJson(pointer)), etag);
  }

  async manifest(release: string): Promise<Manifest | undefined> {
    return this.#read<Manifest>(manifestKey(release));
  }

  images(): Promise<GoldenImage[]> {
    return this.#readAll<GoldenImage>("catalog/images/");
  }

  async image(recipe: string): Promise<GoldenImage | undefined> {
    return this.#read<GoldenImage>(imageKey(recipe));
  }

  writeImage(image: GoldenImage): Promise<void> {
    return this.#write(imageKey(image.recipe), image);
  }

  points(): Promise<RecoveryPoint[]> {
    return this.#readAll<RecoveryPoint>("catalog/points/");
  }

  writePoint(point: RecoveryPoint): Promise<void> {
    return this.#write(pointKey(point.id), point);
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
