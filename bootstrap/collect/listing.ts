import { unfit } from "../config/file-names.ts";
import type { LeftOut } from "./entry.ts";
import type { Selection } from "./globs.ts";

/** What a host saw when everything had been read: the measure of whether what was read is whole. */
export interface Listing {
  files: ReadonlyMap<string, { size: number; changed: string }>;
  links: ReadonlySet<string>;
  directories: ReadonlySet<string>;
  /** Paths that could not be looked at. */
  unknown: string[];
  leftOut: LeftOut[];
  /** Whether the search came to its end. */
  isComplete: boolean;
}

/**
 * Reads a gathered listing: records of type, size, time of change and path. What a host says is not believed further
 * than what it was asked: other paths are dropped, and names that git can't carry are refused.
 */
export function readListing(base64: string, selected: Selection): Listing {
  const files: Map<string, { size: number; changed: string }> = new Map();
  const links = new Set<string>();
  const directories = new Set<string>();
  const unknown: string[] = [];
  const leftOut: LeftOut[] = [];
  let isComplete = false;
  for (const { type, size, changed, bytes } of records(base64)) {
    if (type === "!") {
      isComplete = size === 0;
      continue;
    }
    const path = bytes.toString().replace(/^\./, "") || "/";
    if (type === "u" || type === "t") {
      unknown.push(path);
      leftOut.push({ path: printable(bytes), reason: reasons[type], isLoss: true });
      continue;
    }
    if (!selected.has(path)) continue;
    const refusal = refused(path, bytes);
    if (refusal !== undefined) leftOut.push({ path: printable(bytes), reason: refusal, isLoss: true });
    else if (type === "f") files.set(path, { size, changed: moment(changed) });
    else if (type === "l") links.add(path);
    else if (type === "d") directories.add(path);
    else leftOut.push({ path, reason: `is ${kinds[type] ?? "of an unknown type"}`, isLoss: false });
  }
  return { files, links, directories, unknown, leftOut: outermost(leftOut), isComplete };
}

/** Seconds and their fraction as one spelling: find writes ten digits, tar as many as there are. */
export function moment(seconds: string): string {
  return seconds.includes(".") ? seconds.replace(/\.?0+$/, "") : seconds;
}

const reasons = {
  u: "can't be read; let the user that logs in read it, or run sudo without a password",
  t: "leads through a symbolic link; name its real path",
};

const kinds: Record<string, string> = {
  p: "a named pipe",
  s: "a socket",
  b: "a block device",
  c: "a character device",
  D: "a door",
};

/** Names by which git rules itself: as configuration they would change what it keeps. */
const ruling = new Set([".git", ".gitattributes", ".gitmodules"]);

function refused(path: string, bytes: Buffer): string | undefined {
  if (!Buffer.from(path).equals(bytes.subarray(1)) && path !== "/") return "has a name that is not UTF-8";
  const reason = unfit(path);
  if (reason !== undefined) return `has a name that ${reason}`;
  const parts = path.split("/").slice(1);
  const ruled = parts.find((part) => ruling.has(part.toLowerCase()));
  if (ruled !== undefined) return `lies in or is ${ruled}, by which git would rule itself`;
  if (path !== "/" && parts.some((part) => part === "" || part === "." || part === ".."))
    return "is no path that leads down from the root";
  return undefined;
}

/** A refused folder stands for everything in it. */
function outermost(leftOut: readonly LeftOut[]): LeftOut[] {
  const paths = new Set(leftOut.map(({ path }) => path));
  const parents = (path: string) =>
    [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index)).filter((parent) => parent !== "");
  return leftOut.filter(({ path }) => !parents(path).some((parent) => paths.has(parent)));
}

/** Bytes of a path as text for people: what is no printable UTF-8 is escaped. */
export function printable(bytes: Buffer): string {
  const path = bytes.subarray(bytes[0] === 0x2e ? 1 : 0);
  const text = path.toString();
  const isText = Buffer.from(text).equals(path);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const odd = isText ? /[\u0000-\u001f\u007f]/g : /[^\u0020-\u007e]/g;
  const inHex = (one: string) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return (isText ? text : path.toString("latin1")).replace(odd, inHex) || "/";
}

function* records(base64: string) {
  // Each line is in base64 by itself, with padding of its own.
  const bytes = Buffer.concat(base64.split("\n").map((line) => Buffer.from(line, "base64")));
  let at = 0;
  const field = () => {
    const end = bytes.indexOf(0, at);
    const value = bytes.subarray(at, end === -1 ? bytes.length : end);
    at = end === -1 ? bytes.length : end + 1;
    return value;
  };
  while (at < bytes.length) {
    const [type, size, changed, path] = [field(), field(), field(), field()];
    yield { type: type.toString(), size: Number(size.toString()), changed: changed.toString(), bytes: path };
  }
}
