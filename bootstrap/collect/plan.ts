import type { FileAttributes } from "../config/attributes-schema.ts";
import { byCodePoint } from "../release/tree.ts";
import { attributesOf, withoutUsualFolders } from "./attributes.ts";
import type { Collected, Departure } from "./collected.ts";
import type { Entry, Found, Tree } from "./entry.ts";
import type { Selection } from "./globs.ts";

/** What a run does to one role's configuration in the work tree. */
export interface CollectPlan {
  /** The host that the files are taken from; its last good copy stays where it was not looked at this time. */
  reference: string;
  /** Everything of the selection that the role's files shall hold. */
  desired: Tree;
  write: ReadonlyMap<string, Entry>;
  remove: readonly string[];
  collected: Collected;
}

/**
 * Decides what of the hosts' configuration becomes the role's. The first host in order is the reference: its files are
 * the role's, and how others depart from it is recorded, never merged. A path of which the reference could not say
 * what is there stays as it was. Nothing when no host can be the reference.
 */
export function planCollection(context: {
  /** All of the role's hosts in order, whether they were looked at or not. */
  hosts: readonly string[];
  found: readonly Found[];
  selection: Selection;
  /** The role's files as they are in the work tree. */
  current: Tree;
  earlier: Collected | undefined;
}): CollectPlan | undefined {
  const { hosts, found, selection, current, earlier } = context;
  const reached = new Map(found.map((one) => [one.host, one]));
  // Another host does not take the place of a reference that is away for a day: every difference would be a commit.
  const reference = hosts.find((host) => reached.has(host) || host === earlier?.reference);
  if (reference === undefined) return undefined;
  const ours = new Map([...withoutUsualFolders(current)].filter(([path]) => selection.has(path)));
  const fresh = reached.get(reference);
  const desired = fresh === undefined ? ours : merge(ours, fresh);
  const changed = [...desired].filter(([path, entry]) => departure(ours.get(path), entry) !== undefined);
  return {
    reference,
    desired,
    write: new Map(changed),
    remove: [...ours.keys()].filter((path) => !desired.has(path)),
    collected: {
      version: 1,
      reference,
      hosts: Object.fromEntries(
        hosts.flatMap((host) => {
          const seen = seenOf(reached.get(host)) ?? earlier?.hosts[host];
          return seen === undefined ? [] : [[host, seen]];
        }),
      ),
      differences: differences(context, reference, fresh?.tree ?? ours, reached),
    },
  };
}

/** The reference's files, and of the earlier ones those that it could not speak about. */
function merge(ours: Tree, fresh: Found): Tree {
  const taken = withoutUsualFolders(fresh.tree);
  const isSilent = silence(fresh);
  const kept = [...ours].filter(([path]) => !taken.has(path) && isSilent(path) && hasRoom(taken, path));
  return new Map([...taken, ...kept].sort(([a], [b]) => byCodePoint(a, b)));
}

/** False where something that is no folder lies on the way to a path. */
function hasRoom(tree: Tree, path: string): boolean {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const parent = tree.get(path.slice(0, end));
    if (parent !== undefined && parent.kind !== "directory") return false;
  }
  return true;
}

/** Whether a host could not say what is at a path. */
function silence({ unknown, leftOut }: Found): (path: string) => boolean {
  const silent = new Set([...unknown, ...leftOut.filter(({ isLoss }) => isLoss).map(({ path }) => path)]);
  return (path) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1))
      if (silent.has(path.slice(0, end))) return true;
    return silent.has("/");
  };
}

function seenOf(found: Found | undefined): Collected["hosts"][string] | undefined {
  if (found === undefined) return undefined;
  const { packages, units } = found;
  return {
    ...(packages === undefined ? {} : { packages: [...packages] }),
    ...(units === undefined ? {} : { units: [...units] }),
  };
}

/** Path → host → departure. Of a host that was not looked at, what was known before still holds. */
function differences(
  { hosts, earlier }: { hosts: readonly string[]; earlier: Collected | undefined },
  reference: string,
  tree: Tree,
  reached: ReadonlyMap<string, Found>,
): Collected["differences"] {
  const all: [path: string, host: string, how: Departure][] = [];
  const referenceIsSilent = reached.has(reference) ? silence(reached.get(reference)!) : () => false;
  const expected = withoutUsualFolders(tree);
  for (const host of hosts.filter((host) => host !== reference)) {
    const other = reached.get(host);
    if (other === undefined) {
      const known = earlier?.reference === reference ? Object.entries(earlier.differences) : [];
      for (const [path, one] of known) if (one[host] !== undefined) all.push([path, host, one[host]]);
      continue;
    }
    const isSilent = silence(other);
    const actual = withoutUsualFolders(other.tree);
    for (const path of new Set([...expected.keys(), ...actual.keys()])) {
      if (isSilent(path) || referenceIsSilent(path)) continue;
      const how =
        departure(expected.get(path) ?? tree.get(path), actual.get(path) ?? other.tree.get(path)) ??
        (reached.has(reference) ? undefined : knownSecret(earlier, reference, path, host));
      if (how !== undefined) all.push([path, host, how]);
    }
  }
  const byPath: Collected["differences"] = {};
  for (const [path, host, how] of all.sort(([a], [b]) => byCodePoint(a, b))) {
    byPath[path] ??= {};
    byPath[path][host] = how;
  }
  return byPath;
}

/** Of a reference that was not looked at there is only the template: whether secrets differ is what it was. */
function knownSecret(earlier: Collected | undefined, reference: string, path: string, host: string) {
  const known = earlier?.reference === reference ? earlier.differences[path]?.[host] : undefined;
  return known === "secret" ? known : undefined;
}

function departure(expected: Entry | undefined, found: Entry | undefined): Departure | undefined {
  if (found === undefined) return expected === undefined ? undefined : "missing";
  if (expected === undefined) return "extra";
  if (expected.kind !== found.kind) return "type";
  if (expected.kind === "file" && found.kind === "file" && expected.sha256 !== found.sha256) return "content";
  if (expected.kind === "link" && found.kind === "link" && expected.target !== found.target) return "target";
  if (attributes(expected) !== attributes(found)) return "attributes";
  const [ours, theirs] = [expected, found].map((one) => (one.kind === "file" ? one.secrets : undefined));
  return ours === undefined || theirs === undefined || ours === theirs ? undefined : "secret";
}

function attributes(entry: Entry): string {
  const mode = entry.kind === "link" ? "" : entry.mode;
  return JSON.stringify([entry.owner, entry.group, mode, entry.kind === "file" && entry.template]);
}

/** What files.yaml is to say of each path that this run decides about. */
export function wantedAttributes({
  desired,
  write,
  remove,
}: Pick<CollectPlan, "desired" | "write" | "remove">): Map<string, FileAttributes[string] | undefined> {
  const wanted = new Map<string, FileAttributes[string] | undefined>();
  for (const path of remove) wanted.set(path, undefined);
  for (const path of write.keys()) wanted.set(path, attributesOf(desired.get(path)!));
  return wanted;
}
