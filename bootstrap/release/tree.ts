import picomatch from "picomatch";
import { readAttributes } from "../config/attributes.ts";
import { type ConfigFiles, roleFilesFolder } from "../config/files.ts";
import type { Role } from "../config/schema.ts";

interface Owned {
  /** Path on the server without the leading slash, such as `etc/nginx/nginx.conf`. */
  path: string;
  owner: string;
  group: string;
}

/** One thing of a role's configuration as it lies on the server. Modes are octal, such as `0644`. */
export type TreeEntry = Owned &
  (
    | { kind: "file"; content: Uint8Array; mode: string; template: boolean }
    | { kind: "link"; target: string }
    | { kind: "directory"; mode: string }
  );

/** A role's configuration, from git and from what `files.yaml` adds, by path in code point order. */
export function roleTree(files: ConfigFiles, role: string): TreeEntry[] {
  const folder = roleFilesFolder(role);
  const { attributes } = readAttributes(files, role);
  const entries: TreeEntry[] = [];
  for (const [name, file] of files) {
    if (!name.startsWith(folder)) continue;
    const { content, mode } = file;
    const path = name.slice(folder.length);
    const own = attributes[`/${path}`] ?? {};
    const owned = { path, owner: own.owner ?? "root", group: own.group ?? "root" };
    entries.push(
      mode === "link"
        ? { kind: "link", ...owned, target: Buffer.from(content).toString() }
        : {
            kind: "file",
            ...owned,
            content,
            mode: own.mode ? octal(own.mode) : mode,
            template: own.template ?? false,
          },
    );
  }
  for (const [name, own] of Object.entries(attributes)) {
    if (own.kind !== "directory") continue;
    const owned = { path: name.slice(1), owner: own.owner ?? "root", group: own.group ?? "root" };
    entries.push({ kind: "directory", ...owned, mode: octal(own.mode ?? "0755") });
  }
  return entries.sort((a, b) => byCodePoint(a.path, b.path));
}

/** The units to restart when a path changed; nothing when that is all of the role's services. */
export function restartedBy(
  role: Pick<Role, "services" | "restarts">,
): (path: string) => string[] | undefined {
  const reads = role.services.map((unit) => {
    const globs = role.restarts[unit];
    return { unit, matches: globs === undefined ? () => true : picomatch(globs, { dot: true }) };
  });
  return (path) => {
    const units = reads.filter(({ matches }) => matches(`/${path}`)).map(({ unit }) => unit);
    return units.length === reads.length ? undefined : units;
  };
}

/** The same on every machine: `localeCompare` is not, and `<` compares UTF-16 units, which is not what git does. */
export function byCodePoint(a: string, b: string): number {
  // Most names have no letter beyond the first plane, and then both orders are one.
  if (!surrogate.test(a) && !surrogate.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const surrogate = /[\ud800-\udfff]/;

/** Four digits at least: `0644`, and `02755` stays as it is. */
function octal(mode: string): string {
  return mode.padStart(4, "0");
}
