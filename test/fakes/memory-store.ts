import { ArchivedObject, type Availability, type ObjectStore } from "../../bootstrap/edges/aws/objects.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { sha256 } from "../../bootstrap/release/digest.ts";

interface Kept {
  body: Buffer;
  sha256: string | undefined;
  versionId: string;
  writtenAt: string;
  availability: Availability;
}

/** A versioned bucket in memory. `beforeSwap` runs between a caller's read and its write: a race made to order. */
export class MemoryStore implements ObjectStore {
  readonly region: string;
  readonly bucket: string;
  readonly writes: string[] = [];
  readonly thaws: string[] = [];
  thawing: "readable" | "thawing" = "readable";
  beforeSwap: (key: string) => Promise<void> = async () => undefined;
  inspection: () => Promise<void> = async () => undefined;
  /** The store's own clock. */
  clock: () => Date = systemClock.now;
  readonly #objects = new Map<string, Kept>();
  readonly #versions = new Map<string, Kept[]>();

  constructor(region = "eu-central-1", bucket = "a-bucket") {
    this.region = region;
    this.bucket = bucket;
  }

  inspect(): Promise<void> {
    return this.inspection();
  }

  async now(): Promise<Date> {
    return this.clock();
  }

  async create(key: string, body: Uint8Array, digest: string) {
    const existing = this.#objects.get(key);
    if (existing !== undefined) return { kind: "exists" as const, versionId: existing.versionId };
    return { kind: "created" as const, versionId: this.#put(key, body, digest) };
  }

  async get(key: string, versionId?: string) {
    const found = this.#find(key, versionId);
    if (found === undefined) return undefined;
    const { availability, ...object } = found;
    if (availability !== "readable") throw new ArchivedObject(this.bucket, key, versionId, undefined);
    return { ...object, etag: sha256(found.body) };
  }

  async availability(key: string, versionId?: string) {
    return this.#find(key, versionId)?.availability;
  }

  /** Thawed at once, unless `thawing` was told to take its time. */
  async thaw(key: string, versionId?: string) {
    this.thaws.push(key);
    const found = this.#find(key, versionId);
    if (found?.availability === "archived") found.availability = this.thawing;
  }

  async finishThaw(key: string) {
    this.#find(key)!.availability = "readable";
  }

  /** Moves the newest version into a Glacier class, as a lifecycle does. */
  async archive(key: string) {
    this.#find(key)!.availability = "archived";
  }

  #find(key: string, versionId?: string): Kept | undefined {
    if (versionId === undefined) return this.#objects.get(key);
    return this.#versions.get(key)?.find((one) => one.versionId === versionId);
  }

  async versions(key: string) {
    return [...(this.#versions.get(key) ?? [])]
      .reverse()
      .map(({ versionId }) => ({ versionId, at: versionId, kind: "content" as const }));
  }

  async head(key: string) {
    const found = this.#objects.get(key);
    return found && { sha256: found.sha256, versionId: found.versionId };
  }

  async swap(key: string, body: Uint8Array, etag: string | undefined): Promise<"swapped" | "moved"> {
    const interfere = this.beforeSwap;
    this.beforeSwap = async () => undefined;
    await interfere(key);
    // In one step: of two at once, one finds what the other wrote.
    const there = this.#objects.get(key);
    if ((there && sha256(there.body)) !== etag) return "moved";
    this.#put(key, body, undefined);
    return "swapped";
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  /** Two keys a page, so that whoever reads only the first one shows. */
  async *pages(prefix: string, after = "") {
    const keys = (await this.list(prefix)).filter((key) => key > after);
    for (let at = 0; at < keys.length; at += 2) yield keys.slice(at, at + 2);
  }

  async remove(key: string) {
    this.#objects.delete(key);
  }

  #put(key: string, body: Uint8Array, digest: string | undefined): string {
    this.writes.push(key);
    const versionId = `version-${this.writes.length}`;
    const kept: Kept = {
      body: Buffer.from(body),
      sha256: digest,
      versionId,
      writtenAt: this.clock().toISOString(),
      availability: "readable",
    };
    this.#objects.set(key, kept);
    this.#versions.set(key, [...(this.#versions.get(key) ?? []), kept]);
    return versionId;
  }
}
