import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** An official cloud image that somebody names, with what its publisher says it must be. */
export interface NamedImage {
  /** A path, or a URL of http or https. */
  where: string;
  algorithm: "sha256" | "sha512";
  checksum: string;
}

/** What the environment says of it; a fault has the next move. */
export type ImageWish =
  | { kind: "none" }
  | { kind: "image"; image: NamedImage }
  | { kind: "fault"; reason: string };

export function imageWish(env: NodeJS.ProcessEnv): ImageWish {
  const where = env.REKINDLE_BASE_IMAGE;
  if (!where) return { kind: "none" };
  const algorithm = env.REKINDLE_BASE_SHA256 ? "sha256" : "sha512";
  const name = `REKINDLE_BASE_${algorithm.toUpperCase()}`;
  const checksum = env[name]?.toLowerCase();
  if (!checksum)
    return {
      kind: "fault",
      reason:
        "REKINDLE_BASE_IMAGE is set without its checksum; set REKINDLE_BASE_SHA256, or REKINDLE_BASE_SHA512, to what its publisher says",
    };
  const digits = algorithm === "sha256" ? 64 : 128;
  if (!new RegExp(`^[0-9a-f]{${digits}}$`).test(checksum))
    return {
      kind: "fault",
      reason: `${name} is ${JSON.stringify(checksum)}; give the ${digits} hex digits that the image's publisher says`,
    };
  return { kind: "image", image: { where, algorithm, checksum } };
}

/** Puts the image into a folder, as the file `image`, when it is what it has to be. */
export async function fetchImage(
  { where, algorithm, checksum }: NamedImage,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  await mkdir(folder);
  const { bytes, size } = await opened(where);
  const hash = createHash(algorithm);
  let done = 0;
  let told = 0;
  const seen = new Transform({
    transform(chunk: Buffer, _, next) {
      hash.update(chunk);
      done += chunk.length;
      const tenths = size === undefined ? 0 : Math.floor((done * 10) / size);
      if (tenths > told) say(`${where}: ${tenths * 10} % of ${Math.ceil(size! / 1024 ** 2)} MB`);
      told = Math.max(told, tenths);
      next(null, chunk);
    },
  });
  await pipeline(bytes, seen, createWriteStream(join(folder, "image"))).catch((error: Error) => {
    throw new Error(`${where} can't be read: ${why(error)}`);
  });
  const found = hash.digest("hex");
  if (found !== checksum)
    throw new Error(
      `${where} has the ${algorithm} ${found}, and not ${checksum}: nothing of it is used; compare with what its publisher says`,
    );
}

async function opened(where: string): Promise<{ bytes: Readable; size: number | undefined }> {
  try {
    if (!/^https?:\/\//.test(where)) {
      const path = resolve(where);
      return { size: (await stat(path)).size, bytes: createReadStream(path) };
    }
    const answer = await fetch(where);
    if (!answer.ok || answer.body === null) throw new Error(`the server says ${answer.status}`);
    const length = answer.headers.get("content-length");
    return {
      bytes: Readable.fromWeb(answer.body as import("node:stream/web").ReadableStream),
      size: length === null ? undefined : Number(length),
    };
  } catch (error) {
    throw new Error(`${where} can't be read: ${why(error as Error)}`);
  }
}

/** fetch says only that it has failed; why is further down. */
function why(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
