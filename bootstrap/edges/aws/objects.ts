import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  RestoreObjectCommand,
} from "@aws-sdk/client-s3";
import { RekindleError } from "../../errors.ts";
import { objectDays } from "../../recovery/thaw-cost.ts";
import { type AwsAccess, errorCode } from "./access.ts";
import { connectBucket, demandBucket, demandVersioning, isBucketFault } from "./bucket.ts";

/** An object as it was read: its bytes, and what later writes can be made conditional on. */
export interface StoredObject {
  body: Buffer;
  etag: string;
  versionId: string;
  /** By S3's clock, as `now` is; ISO 8601. */
  writtenAt: string;
  /** The digest that was given at creation; only a claim until the bytes are digested. */
  sha256: string | undefined;
}

/** Where an object's bytes are: in a Glacier class they can be read only after they were thawed, for a time. */
export type Availability = "readable" | "archived" | "thawing";

/** An object whose bytes lie in a Glacier class. It is there: who can wait, thaws it. */
export class ArchivedObject extends RekindleError {
  readonly key: string;
  readonly versionId: string | undefined;

  constructor(bucket: string, key: string, versionId: string | undefined, cause: unknown) {
    const version = versionId === undefined ? "" : ` version ${versionId}`;
    super(
      "refused",
      `s3://${bucket}/${key}${version} lies in a Glacier class and was not thawed; thaw it: ${howToThaw(key)}, or aws s3api restore-object`,
      { cause },
    );
    this.key = key;
    this.versionId = versionId;
  }
}

/** One version of an object; `at` is in ISO 8601. */
export interface ObjectVersion {
  versionId: string;
  at: string;
  kind: "content" | "deletion";
}

/**
 * One versioned bucket. Reads after writes see them. Every write is conditional, so that nothing is overwritten
 * unseen; a write that was retried by the SDK after it had landed counts as done.
 */
export interface ObjectStore {
  readonly region: string;
  readonly bucket: string;
  /** Refuses a bucket that is not there, not versioned, in another region or of another account. */
  inspect(): Promise<void>;
  /** The moment by S3's clock, in whole seconds. */
  now(): Promise<Date>;
  /** Creates the object; when the key is taken, tells the version that holds it and writes nothing. */
  create(
    key: string,
    body: Uint8Array,
    sha256: string,
  ): Promise<{ kind: "created" | "exists"; versionId: string }>;
  /**
   * The newest version, or the one that is named; nothing when there is none, or a deletion is the newest.
   * Raises `ArchivedObject` for one that must be thawed first.
   */
  get(key: string, versionId?: string): Promise<StoredObject | undefined>;
  /** Whether `get` would give its bytes now; nothing when there is no such version. */
  availability(key: string, versionId?: string): Promise<Availability | undefined>;
  /** Asks for a readable copy for a week, the fast way where there is one. Asking again changes nothing. */
  thaw(key: string, versionId?: string): Promise<void>;
  /** Every version that still is there, the newest first; a deletion has no content. */
  versions(key: string): Promise<ObjectVersion[]>;
  /** The digest that was given at creation, with its version; nothing when the key is free. */
  head(key: string): Promise<{ sha256: string | undefined; versionId: string } | undefined>;
  /** Compare-and-swap: writes only when the object still has this etag, or is still absent for `undefined`. */
  swap(key: string, body: Uint8Array, etag: string | undefined): Promise<"swapped" | "moved">;
  /** Every key below a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** The same, page by page, each asked for when it is wanted; `after` leaves out what sorts up to it. */
  pages(prefix: string, after?: string): AsyncIterable<string[]>;
  /** Takes a key out of the listing; its versions stay for as long as the bucket keeps them. A free key is fine. */
  remove(key: string): Promise<void>;
}

/** The real thing. */
export function s3Store(access: AwsAccess, region: string, bucket: string, account?: string): ObjectStore {
  const { s3, place } = connectBucket(access, region, bucket, account);
  const versioned = (versionId: string | undefined) =>
    versionId === undefined ? {} : { VersionId: versionId };

  async function head(key: string) {
    try {
      const found = await s3.send(new HeadObjectCommand({ ...place, Key: key }));
      return { sha256: found.Metadata?.sha256, versionId: found.VersionId ?? "" };
    } catch (error) {
      if (errorCode(error) === "NotFound" || errorCode(error) === "NoSuchKey") return undefined;
      throw error;
    }
  }

  async function* pages(prefix: string, after?: string): AsyncGenerator<string[]> {
    let from: { StartAfter?: string; ContinuationToken?: string } | undefined =
      after === undefined ? {} : { StartAfter: after };
    while (from !== undefined) {
      const request = new ListObjectsV2Command({ ...place, Prefix: prefix, ...from });
      const page: ListObjectsV2CommandOutput = await s3.send(request).catch(explained);
      yield (page.Contents ?? []).map(({ Key }) => Key!);
      const token = page.NextContinuationToken;
      from = token === undefined ? undefined : { ContinuationToken: token };
    }
  }

  /** S3's own words for a bucket that is elsewhere or gone help nobody who typed its name. */
  async function explained(error: unknown): Promise<never> {
    if (isBucketFault(error)) await demandBucket(s3, place, region);
    throw error;
  }

  return {
    region,
    bucket,
    head,
    async inspect() {
      await demandBucket(s3, place, region);
      await demandVersioning(s3, place, region);
    },
    async now() {
      const command = new HeadBucketCommand(place);
      let date: string | undefined;
      // The SDK keeps an answer's headers from its caller.
      command.middlewareStack.add(
        (next) => async (args) => {
          const answered = await next(args);
          date = (answered.response as { headers?: Record<string, string> }).headers?.date;
          return answered;
        },
        { step: "deserialize", priority: "low" },
      );
      await s3.send(command).catch(explained);
      if (date !== undefined && !Number.isNaN(Date.parse(date))) return new Date(date);
      throw new RekindleError(
        "tool-failed",
        `S3's answer for bucket ${bucket} has no date; look what is between this machine and S3`,
      );
    },
    async create(key, body, sha256) {
      try {
        const put = await s3.send(
          new PutObjectCommand({ ...place, Key: key, Body: body, IfNoneMatch: "*", Metadata: { sha256 } }),
          { requestTimeout: timeToSend(body.length) },
        );
        return { kind: "created", versionId: put.VersionId ?? "" };
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        const existing = await head(key);
        return { kind: "exists", versionId: existing?.versionId ?? "" };
      }
    },
    async get(key, versionId) {
      try {
        const found = await s3.send(new GetObjectCommand({ ...place, Key: key, ...versioned(versionId) }));
        return {
          body: Buffer.from(await found.Body!.transformToByteArray()),
          etag: found.ETag ?? "",
          versionId: found.VersionId ?? "",
          writtenAt: found.LastModified!.toISOString(),
          sha256: found.Metadata?.sha256,
        };
      } catch (error) {
        if (["NoSuchKey", "NoSuchVersion"].includes(errorCode(error))) return undefined;
        if (errorCode(error) === "InvalidObjectState")
          throw new ArchivedObject(bucket, key, versionId, error);
        return await explained(error);
      }
    },
    async availability(key, versionId) {
      try {
        const found = await s3.send(new HeadObjectCommand({ ...place, Key: key, ...versioned(versionId) }));
        if (!archiveClasses.includes(found.StorageClass ?? "STANDARD")) return "readable";
        if (found.Restore === undefined) return "archived";
        return found.Restore.includes('ongoing-request="true"') ? "thawing" : "readable";
      } catch (error) {
        if (["NotFound", "NoSuchKey", "NoSuchVersion"].includes(errorCode(error))) return undefined;
        throw error;
      }
    },
    async thaw(key, versionId) {
      for (const Tier of ["Expedited", "Standard"] as const) {
        try {
          const RestoreRequest = { Days: objectDays, GlacierJobParameters: { Tier } };
          await s3.send(
            new RestoreObjectCommand({ ...place, Key: key, ...versioned(versionId), RestoreRequest }),
          );
          return;
        } catch (error) {
          if (errorCode(error) === "RestoreAlreadyInProgress") return;
          // Deep Archive has no fast way, and for the other class its capacity may be used up.
          if (Tier === "Standard") throw error;
        }
      }
    },
    async versions(key) {
      const found: (ObjectVersion & { isLatest: boolean })[] = [];
      let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
      while (from !== undefined) {
        const page: ListObjectVersionsCommandOutput = await s3.send(
          new ListObjectVersionsCommand({ ...place, Prefix: key, ...from }),
        );
        for (const [kind, versions] of [
          ["content", page.Versions ?? []],
          ["deletion", page.DeleteMarkers ?? []],
        ] as const) {
          for (const { Key, VersionId, LastModified, IsLatest = false } of versions) {
            if (Key !== key) continue;
            found.push({ kind, versionId: VersionId!, at: LastModified!.toISOString(), isLatest: IsLatest });
          }
        }
        from =
          page.NextKeyMarker === undefined
            ? undefined
            : { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker! };
      }
      // Times are whole seconds; S3 itself says which one is the newest.
      return found
        .sort((a, b) => Number(b.isLatest) - Number(a.isLatest) || (a.at > b.at ? -1 : 1))
        .map(({ isLatest: _isLatest, ...version }) => version);
    },
    async swap(key, body, etag) {
      const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
      try {
        await s3.send(
          new PutObjectCommand({
            ...place,
            Key: key,
            Body: body,
            ContentType: "application/json",
            ...condition,
          }),
        );
        return "swapped";
      } catch (error) {
        if (isConditionFailure(error)) return "moved";
        throw error;
      }
    },
    async list(prefix) {
      const keys: string[] = [];
      for await (const page of pages(prefix)) keys.push(...page);
      return keys.sort();
    },
    pages,
    async remove(key) {
      await s3.send(new DeleteObjectCommand({ ...place, Key: key }));
    },
  };
}

function howToThaw(key: string): string {
  const [, dump] = /^dumps\/([^/]+)\//.exec(key) ?? [];
  return dump === undefined ? "rekindle thaw-release" : `rekindle thaw ${dump}`;
}

/** Classes whose bytes S3 hands out only after a thaw; Glacier Instant Retrieval is not among them. */
const archiveClasses = ["GLACIER", "DEEP_ARCHIVE"];

/** A body of any size may go over a slow line: 30 seconds, and 1 for each 128 KiB. In milliseconds. */
export function timeToSend(bytes: number): number {
  return 30_000 + Math.ceil(bytes / 131_072) * 1_000;
}

function isConditionFailure(error: unknown): boolean {
  return ["PreconditionFailed", "ConditionalRequestConflict"].includes(errorCode(error));
}
