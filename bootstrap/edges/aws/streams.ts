import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { inParallel } from "../../collect/in-parallel.ts";
import { mostParts, partBytes } from "../../dump/upload-parts.ts";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, errorCode } from "./access.ts";
import { connectBucket, demandBucket, demandVersioning, type Place } from "./bucket.ts";
import { ArchivedObject, timeToSend } from "./objects.ts";

/** Bytes as they come, and how to have no more of them. */
export interface ByteStream {
  bytes: AsyncIterable<Uint8Array>;
  stop(): void;
}

/** One stored stream. */
export interface StoredStream {
  /** Whose bucket it is, where that is known. */
  account?: string | undefined;
  region: string;
  bucket: string;
  key: string;
  versionId: string;
  bytes: number;
}

/** An upload that has not ended. */
export interface OpenUpload {
  key: string;
  uploadId: string;
}

/**
 * Objects of one versioned, encrypted bucket that are too large to be held: in memory there are a few parts at a time.
 * An object is there when all of its bytes are, and not before.
 */
export interface StreamStore {
  readonly region: string;
  /** What a dump lists its versions there by: the region, in a vault after its account. */
  readonly place: string;
  readonly account?: string | undefined;
  readonly bucket: string;
  /** Refuses a bucket that is not versioned, or that does not encrypt with a key of KMS by itself. */
  inspect(): Promise<void>;
  /** Sends a stream. Nothing is left of one that failed, or was stopped. */
  send(
    key: string,
    stream: ByteStream,
    expectedBytes: number,
  ): Promise<{ stored: StoredStream; sha256: string }>;
  /** The bytes of an object, in order; a part that is cut off is asked for again. */
  read(stored: StoredStream): AsyncGenerator<Uint8Array>;
  /** Has S3 itself copy an object from another region's bucket, encrypted with this bucket's key. */
  copy(from: StoredStream): Promise<StoredStream>;
  /** Deletes that version; one that is gone already is fine. */
  remove(stored: Pick<StoredStream, "key" | "versionId">): Promise<void>;
  openUploads(prefix: string): Promise<OpenUpload[]>;
  abort(upload: OpenUpload): Promise<void>;
}

/** Of each stream. Memory is so many parts, and one more that fills. */
const inFlight = 2;
const readBytes = 16 * 2 ** 20;
const copyBytes = 256 * 2 ** 20;
const copiesAtOnce = 4;
const readTries = 4;

export function s3Streams(
  access: AwsAccess,
  region: string,
  bucket: string,
  account?: string,
  named = region,
): StreamStore {
  const { s3, place } = connectBucket(access, region, bucket, account);

  async function abort({ key, uploadId }: OpenUpload): Promise<void> {
    try {
      await s3.send(new AbortMultipartUploadCommand({ ...place, Key: key, UploadId: uploadId }));
    } catch (error) {
      if (errorCode(error) !== "NoSuchUpload") throw error;
    }
  }

  /** Begins an upload, has it filled, and ends it; or aborts it, whatever went wrong. */
  async function upload(
    key: string,
    fill: (uploadId: string) => Promise<{ etags: string[]; bytes: number }>,
  ): Promise<StoredStream> {
    const begun = await s3.send(
      new CreateMultipartUploadCommand({ ...place, Key: key, ContentType: "application/octet-stream" }),
    );
    const uploadId = begun.UploadId!;
    try {
      const { etags, bytes } = await fill(uploadId);
      const versionId = await complete(key, uploadId, etags);
      return { account, region, bucket, key, versionId, bytes };
    } catch (error) {
      await abort({ key, uploadId }).catch((cause: unknown) => {
        throw new RekindleError(
          "tool-failed",
          `${(error as Error).message}; and the upload of s3://${bucket}/${key} could not be aborted (${(cause as Error).message}): the next dump does it, or the bucket after 7 days`,
          { cause: error },
        );
      });
      throw error;
    }
  }

  async function complete(key: string, uploadId: string, etags: readonly string[]): Promise<string> {
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    try {
      const done = await s3.send(
        new CompleteMultipartUploadCommand({
          ...place,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts },
        }),
        { requestTimeout: 600_000 },
      );
      return done.VersionId ?? "";
    } catch (error) {
      // It had been done, and the answer was lost: keys are never used twice.
      if (errorCode(error) !== "NoSuchUpload") throw error;
      const found = await s3.send(new HeadObjectCommand({ ...place, Key: key })).catch(() => undefined);
      if (found?.VersionId === undefined) throw error;
      return found.VersionId;
    }
  }

  function ask({ key, versionId }: StoredStream, from: number, to: number): Promise<Readable> {
    const Range = `bytes=${from}-${to - 1}`;
    const asked = s3.send(new GetObjectCommand({ ...place, Key: key, VersionId: versionId, Range })).then(
      ({ Body }) => Body as Readable,
      (error: unknown) => {
        if (errorCode(error) !== "InvalidObjectState") throw error;
        throw new ArchivedObject(bucket, key, versionId, error);
      },
    );
    // Told when its turn comes, or not at all when an earlier one fails.
    asked.catch(() => undefined);
    return asked;
  }

  /** Bytes as they come. Where an answer is cut off, the rest is asked for again. */
  async function* range(
    stored: StoredStream,
    from: number,
    to: number,
    asked: Promise<Readable>,
  ): AsyncGenerator<Uint8Array> {
    let at = from;
    for (let tries = 1, answer = asked; at < to; answer = ask(stored, at, to)) {
      const body = await answer;
      try {
        for await (const chunk of body) {
          at += (chunk as Buffer).length;
          tries = 1;
          yield chunk as Buffer;
        }
      } catch (error) {
        if (tries++ === readTries)
          throw new RekindleError(
            "tool-failed",
            `s3://${bucket}/${stored.key} can't be read from byte ${at} (${(error as Error).message}); run again`,
            { cause: error },
          );
      }
    }
  }

  return {
    region,
    place: named,
    account,
    bucket,
    abort,
    async inspect() {
      await demandBucket(s3, place, region);
      await demandVersioning(s3, place, region);
      await demandEncryption(s3, place, region);
    },
    async send(key, stream, expectedBytes) {
      const hash = createHash("sha256");
      const stored = await upload(key, async (uploadId) => {
        const etags: string[] = [];
        const sending = new Set<Promise<void>>();
        const spare: Buffer<ArrayBuffer>[] = [];
        let failure: { error: unknown } | undefined;
        let bytes = 0;
        const send = (part: Buffer<ArrayBuffer>, length: number, number: number) => {
          const sent = s3
            .send(
              new UploadPartCommand({
                ...place,
                Key: key,
                UploadId: uploadId,
                PartNumber: number,
                Body: part.subarray(0, length),
              }),
              { requestTimeout: timeToSend(length) },
            )
            .then(
              ({ ETag }) => {
                etags[number - 1] = ETag!;
                spare.push(part);
              },
              (error: unknown) => {
                failure ??= { error: partFailure(bucket, key, number, error) };
                // Who waits for the next bytes shall not wait for ever.
                stream.stop();
              },
            )
            .finally(() => sending.delete(sent));
          sending.add(sent);
        };
        let number = 1;
        let part = Buffer.allocUnsafeSlow(partBytes(number, expectedBytes));
        let filled = 0;
        const flush = async () => {
          send(part, filled, number);
          bytes += filled;
          filled = 0;
          number++;
          while (sending.size > inFlight) await Promise.race(sending);
        };
        try {
          for await (const chunk of stream.bytes) {
            hash.update(chunk);
            for (let at = 0; at < chunk.length; ) {
              if (filled === part.length) {
                await flush();
                if (failure !== undefined) throw failure.error;
                if (number > mostParts)
                  throw new RekindleError("tool-failed", `${key} is larger than what S3 takes as one object`);
                const wanted = partBytes(number, expectedBytes);
                const free = spare.pop();
                part = free?.length === wanted ? free : Buffer.allocUnsafeSlow(wanted);
              }
              const taken = Math.min(chunk.length - at, part.length - filled);
              part.set(chunk.subarray(at, at + taken), filled);
              filled += taken;
              at += taken;
            }
          }
        } catch (error) {
          stream.stop();
          await Promise.all(sending);
          throw failure?.error ?? error;
        }
        if (filled > 0 || number === 1) send(part, filled, number);
        bytes += filled;
        await Promise.all(sending);
        if (failure !== undefined) throw failure.error;
        return { etags, bytes };
      });
      return { stored, sha256: hash.digest("hex") };
    },
    async *read(stored) {
      const end = (from: number) => Math.min(stored.bytes, from + readBytes);
      let next = stored.bytes === 0 ? undefined : ask(stored, 0, end(0));
      for (let from = 0; next !== undefined; from += readBytes) {
        const answer = next;
        // The answer after this one waits, with no more of its bytes here than a socket holds.
        next = end(from) < stored.bytes ? ask(stored, end(from), end(end(from))) : undefined;
        try {
          yield* range(stored, from, end(from), answer);
        } catch (error) {
          next?.then((body) => body.destroy());
          throw error;
        }
      }
    },
    copy(from) {
      return upload(from.key, async (uploadId) => {
        const source = `${from.bucket}/${from.key.split("/").map(encodeURIComponent).join("/")}?versionId=${encodeURIComponent(from.versionId)}`;
        const count = Math.max(1, Math.ceil(from.bytes / copyBytes));
        const starts = Array.from({ length: count }, (_, index) => index * copyBytes);
        const etags = await inParallel(copiesAtOnce, starts, async (start) => {
          const end = Math.min(from.bytes, start + copyBytes) - 1;
          const copied = await s3.send(
            new UploadPartCopyCommand({
              ...place,
              Key: from.key,
              UploadId: uploadId,
              PartNumber: start / copyBytes + 1,
              CopySource: source,
              ...(from.bytes === 0 ? {} : { CopySourceRange: `bytes=${start}-${end}` }),
              ...(from.account === undefined ? {} : { ExpectedSourceBucketOwner: from.account }),
            }),
            { requestTimeout: timeToSend(copyBytes) },
          );
          return copied.CopyPartResult!.ETag!;
        });
        return { etags, bytes: from.bytes };
      });
    },
    async remove({ key, versionId }) {
      await s3.send(new DeleteObjectCommand({ ...place, Key: key, VersionId: versionId }));
    },
    async openUploads(prefix) {
      const open: OpenUpload[] = [];
      let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
      while (from !== undefined) {
        const page: ListMultipartUploadsCommandOutput = await s3.send(
          new ListMultipartUploadsCommand({ ...place, Prefix: prefix, ...from }),
        );
        for (const { Key, UploadId } of page.Uploads ?? []) open.push({ key: Key!, uploadId: UploadId! });
        from =
          page.IsTruncated && page.NextKeyMarker !== undefined
            ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker! }
            : undefined;
      }
      return open;
    },
  };
}

async function demandEncryption(s3: S3Client, place: Place, region: string): Promise<void> {
  const algorithm = await s3.send(new GetBucketEncryptionCommand(place)).then(
    ({ ServerSideEncryptionConfiguration: found }) =>
      found?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ?? "none",
    (error: unknown) => {
      if (errorCode(error) !== "ServerSideEncryptionConfigurationNotFoundError") throw error;
      return "none";
    },
  );
  if (algorithm.startsWith("aws:kms")) return;
  throw new RekindleError(
    "refused",
    `bucket ${place.Bucket} in ${region} encrypts by itself with ${algorithm}, and not with a key of KMS; nothing was written; deploy the foundation again: npx cdktf deploy foundation-stack`,
  );
}

function partFailure(bucket: string, key: string, number: number, error: unknown): unknown {
  if (error instanceof RekindleError) return error;
  return new RekindleError(
    "tool-failed",
    `part ${number} of s3://${bucket}/${key} could not be sent (${(error as Error).message}); nothing of it is kept; run again`,
    { cause: error },
  );
}
