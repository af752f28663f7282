import { unfit } from "../config/file-names.ts";
import type { Entry, Found, LeftOut, Reference } from "./entry.ts";
import { HostFailure } from "./failure.ts";
import type { Listing } from "./listing.ts";

/** One thing as a host's tar had it, after masks and secrets were seen to. */
export type Read = { owner: string; group: string } & (
  | { kind: "file"; mode: string; size: number; changed: string; content: Cleaned }
  | { kind: "link"; target: string }
  | { kind: "directory"; mode: string }
);

/** What became of a file's bytes. */
export type Cleaned =
  | { kind: "kept"; sha256: string; template: boolean; secrets?: string; references: readonly Reference[] }
  | { kind: "left-out"; reasons: readonly string[] };

/** What one tar of a host held. */
export interface Reading {
  entries: ReadonlyMap<string, Read>;
  listing: Listing;
  packages: readonly string[] | undefined;
  units: readonly string[] | undefined;
}

/** Files whose bytes may be of two moments, or that could not be had: a second look at them may help. */
export function unsettled({ entries, listing }: Reading): string[] {
  return [...listing.files].filter(([path, now]) => !isSettled(entries.get(path), now)).map(([path]) => path);
}

/** A reading with some of its paths as a second one had them; what is not there any more is gone. */
export function amend(first: Reading, paths: readonly string[], second: Reading): Reading {
  const without = <T>(map: ReadonlyMap<string, T>) => [...map].filter(([path]) => !paths.includes(path));
  return {
    ...first,
    entries: new Map([...without(first.entries), ...second.entries]),
    listing: {
      ...first.listing,
      files: new Map([...without(first.listing.files), ...second.listing.files]),
      links: new Set([...first.listing.links, ...second.listing.links]),
    },
  };
}

/** What a host's reading amounts to: whole files only, each with the reason where there is none. */
export function assemble(host: string, reading: Reading): Found {
  const { entries, listing, packages, units } = reading;
  const tree = new Map<string, Entry>();
  const leftOut: LeftOut[] = [...listing.leftOut];
  const references: Reference[] = [];
  const leave = (path: string, reason: string) => leftOut.push({ path, reason, isLoss: true });
  for (const [path, now] of listing.files) {
    const read = entries.get(path);
    if (read?.kind !== "file") {
      leave(path, "can't be read");
      continue;
    }
    const { owner, group, mode, content } = read;
    if (!isSettled(read, now)) leave(path, "changed while it was read, twice");
    else if (content.kind === "left-out") for (const reason of content.reasons) leave(path, reason);
    else {
      const { sha256, template, secrets } = content;
      const filled = secrets === undefined ? {} : { secrets };
      tree.set(path, { kind: "file", owner, group, mode, sha256, template, ...filled });
      references.push(...content.references);
    }
  }
  for (const [path, read] of entries) {
    if (read.kind === "directory" && listing.directories.has(path)) tree.set(path, read);
    if (read.kind !== "link" || !listing.links.has(path)) continue;
    const reason = unfit(read.target);
    if (reason === undefined && read.target !== "") tree.set(path, read);
    else leave(path, `leads to a name that ${reason ?? "is empty"}`);
  }
  refuseContradictions(tree);
  return { host, tree, unknown: listing.unknown, leftOut, references, packages, units };
}

function isSettled(read: Read | undefined, now: { size: number; changed: string }): boolean {
  return read?.kind === "file" && read.size === now.size && read.changed === now.changed;
}

/** No host has something below a file or a link; who says so wants it written elsewhere. */
function refuseContradictions(tree: ReadonlyMap<string, Entry>): void {
  for (const path of tree.keys())
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = tree.get(path.slice(0, end));
      if (parent !== undefined && parent.kind !== "directory")
        throw new HostFailure("failed", `it tells of ${path} below a ${parent.kind}, which no host has`);
    }
}
