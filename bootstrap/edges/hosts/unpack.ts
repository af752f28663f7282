import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { HostFailure } from "../../collect/failure.ts";
import type { Selection } from "../../collect/globs.ts";
import { moment, readListing } from "../../collect/listing.ts";
import type { Cleaned, Read, Reading } from "../../collect/reading.ts";
import { byCodePoint } from "../../release/tree.ts";
import { hasCode } from "./source.ts";

type Take = (path: string, content: AsyncIterable<Buffer>) => Promise<Cleaned>;

/** Reads what `gather.sh` wrote. Nothing of it is written under a name that a host chose. */
export async function unpack(tar: Readable, selected: Selection, take: Take): Promise<Reading> {
  const entries = new Map<string, Read>();
  const texts = new Map<string, string>();
  const archive = extract();
  const fed = pipeline(tar, archive).catch((error: unknown) => error);
  try {
    for await (const part of archive) {
      const content = part as AsyncIterable<Buffer>;
      const { name } = part.header;
      if (name.startsWith("./")) await unpackOne(entries, part.header, content, selected, take);
      else if (name.startsWith(".rekindle/"))
        texts.set(name.slice(".rekindle/".length), await textOf(content));
      else part.resume();
    }
  } catch (error) {
    throw inWords(error);
  }
  const broken = await fed;
  if (broken !== undefined) throw inWords(broken);
  const listing = texts.get("listing");
  if (listing === undefined || !texts.has("end"))
    throw new HostFailure("cut-short", "what it sent was cut short; run again");
  const read = readListing(listing, selected);
  if (!read.isComplete)
    throw new HostFailure("failed", "find could not look at everything there; run it by hand");
  return {
    entries,
    listing: read,
    packages: linesOf(texts.get("packages")),
    units: linesOf(texts.get("units")),
  };
}

async function unpackOne(
  entries: Map<string, Read>,
  header: Header,
  content: AsyncIterable<Buffer>,
  selected: Selection,
  take: Take,
): Promise<void> {
  const path = header.name.replace(/^\./, "").replace(/(?<=.)\/$/, "");
  const pax = (header.pax ?? {}) as Record<string, string>;
  const owned = {
    owner: nameOf(pax.uname ?? header.uname, pax.uid ?? header.uid),
    group: nameOf(pax.gname ?? header.gname, pax.gid ?? header.gid),
  };
  const mode = (header.mode ?? 0).toString(8).padStart(4, "0");
  // A name that was no UTF-8 is refused by the listing, which has its bytes.
  const isWanted = selected.has(path) && !path.includes("\ufffd");
  if (isWanted && header.type === "file") {
    const kept = await take(path, content);
    const changed = moment(pax.ctime ?? "");
    entries.set(path, { kind: "file", ...owned, mode, size: header.size ?? 0, changed, content: kept });
    return;
  }
  if (isWanted && header.type === "symlink")
    entries.set(path, { kind: "link", ...owned, target: header.linkname ?? "" });
  if (isWanted && header.type === "directory") entries.set(path, { kind: "directory", ...owned, mode });
  for await (const _ignored of content);
}

/** By name where the host has one that can be written down, else by number. */
function nameOf(name: string | undefined, id: string | number | undefined): string {
  return name !== undefined && /^[a-z_][a-z0-9_.-]*\$?$/i.test(name) ? name : String(id ?? 0);
}

async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function linesOf(text: string | undefined): string[] | undefined {
  const lines = text?.split("\n").filter((line) => line.trim() !== "");
  return lines && [...new Set(lines)].sort(byCodePoint);
}

function inWords(error: unknown): Error {
  if (error instanceof HostFailure) return error;
  if (hasCode(error, "ENOSPC", "EDQUOT"))
    return new HostFailure("disk-full", "this machine's disk is full; make room below .rekindle", {
      cause: error,
    });
  const { message } = error as Error;
  if (/Unexpected end|premature/i.test(message))
    return new HostFailure("cut-short", "what it sent was cut short; run again", { cause: error });
  if (hasCode(error, "Z_DATA_ERROR", "Z_BUF_ERROR"))
    return new HostFailure("cut-short", `what it pushed is damaged (${message}); push again`, {
      cause: error,
    });
  if (/tar header|unknown format|Header exceeds/i.test(message))
    return new HostFailure("failed", "what it sent is no tar; its shell must print nothing when it logs in", {
      cause: error,
    });
  return error as Error;
}
