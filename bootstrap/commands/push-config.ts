import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { LeftOut } from "../collect/entry.ts";
import type { Selection } from "../collect/globs.ts";
import { inboxKey } from "../collect/inbox-key.ts";
import { assemble, type Cleaned, type Reading, unsettled } from "../collect/reading.ts";
import type { Clock } from "../edges/clock.ts";
import type { Inbox } from "../edges/hosts/inbox.ts";
import type { Source } from "../edges/hosts/source.ts";
import { unpack } from "../edges/hosts/unpack.ts";
import { RekindleError } from "../errors.ts";

export interface PushContext {
  /** This machine. */
  source: Source;
  selection: Selection;
  inbox: Inbox;
  /** A file of this run's own, for what is to be sent. */
  file: string;
  clock: Clock;
}

export interface Pushed {
  version: 1;
  host: string;
  bucket: string;
  key: string;
  files: number;
  leftOut: readonly LeftOut[];
}

/** Sends this machine's own configuration to a bucket's inbox, from which `collect` takes it. */
export async function pushConfig({ source, selection, inbox, file, clock }: PushContext): Promise<Pushed> {
  let reading = await gatherInto(file, source, selection);
  // Whoever collects it can't ask again, so that is done here.
  if (unsettled(reading).length > 0) reading = await gatherInto(file, source, selection);
  const { tree, leftOut } = assemble(source.host, reading);
  const files = [...tree.values()].filter(({ kind }) => kind !== "directory").length;
  if (files === 0)
    throw new RekindleError(
      "bad-input",
      `none of the paths is there, so nothing was pushed; correct --path or the role's collect.paths`,
      { details: leftOut.map(({ path, reason }) => `${path} ${reason}`) },
    );
  const key = inboxKey(source.host, clock.now(), await digestOf(file));
  await inbox.push(key, file);
  return { version: 1, host: source.host, bucket: inbox.bucket, key, files, leftOut };
}

/** Packs what is gathered into a file, and reads it on the way: a push that can't be read helps nobody. */
async function gatherInto(file: string, source: Source, selection: Selection): Promise<Reading> {
  let reading: Reading | undefined;
  await source.gather(selection, async (tar) => {
    const copy = new PassThrough();
    const packed = pipeline(tar, tee(copy), createGzip(), createWriteStream(file, { mode: 0o600 }));
    packed.catch((error: Error) => copy.destroy(error));
    [reading] = await Promise.all([unpack(copy, selection, pass), packed]);
  });
  return reading!;
}

function tee(copy: PassThrough) {
  return async function* (tar: Readable | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of tar) {
      if (!copy.write(chunk))
        await new Promise((resolve) => copy.once("drain", resolve).once("close", resolve));
      yield chunk as Buffer;
    }
    copy.end();
  };
}

async function pass(_path: string, content: AsyncIterable<Buffer>): Promise<Cleaned> {
  for await (const _chunk of content);
  return { kind: "kept", sha256: "", template: false, references: [] };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
