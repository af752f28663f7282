import { parse } from "yaml";
import { attributesPath, roleFilesFolder } from "../config/files.ts";
import { byCodePoint } from "../release/tree.ts";
import { type Collected, collectedPath } from "./collected.ts";
import type { Selection } from "./globs.ts";
import { listRemarks, type RoleChange } from "./message.ts";

type Status = ReadonlyMap<string, "added" | "changed" | "removed">;

/** Everything of a role that a run may commit. */
export function rolePaths(role: string): string[] {
  return [roleFilesFolder(role), attributesPath(role), collectedPath(role)];
}

/** Of what differs from HEAD, the part that is collected; the rest is someone's own work. */
export function ofSelection(role: string, status: Status, selected: Selection): string[] {
  const folder = roleFilesFolder(role);
  return [...status.keys()].filter(
    (path) => !path.startsWith(folder) || selected.has(`/${path.slice(folder.length)}`),
  );
}

/** What one role's part of the commit is, in words. */
export function describeChange(context: {
  role: string;
  reference: string;
  paths: readonly string[];
  status: Status;
  /** The text of files.yaml, before and after. */
  attributes: readonly [string | undefined, string | undefined];
  collected: readonly [Collected | undefined, Collected];
}): RoleChange {
  const { role, reference, status } = context;
  const folder = roleFilesFolder(role);
  const files = context.paths
    .filter((path) => path.startsWith(folder))
    .map((path) => [`/${path.slice(folder.length)}`, status.get(path)!] as const)
    .sort(([a], [b]) => byCodePoint(a, b));
  const [before, after] = context.collected;
  const remarks = attributeRemarks(...context.attributes);
  for (const [host, { packages, units }] of Object.entries(after.hosts)) {
    const known = before?.hosts[host];
    remarks.push(...listRemarks(host, "package", known?.packages, packages));
    remarks.push(...listRemarks(host, "unit", known?.units, units));
  }
  for (const [path, hosts] of Object.entries(after.differences))
    for (const [host, how] of Object.entries(hosts))
      if (before?.differences[path]?.[host] !== how) remarks.push(differenceLine(path, host, how, reference));
  return { role, reference, paths: new Map(files), remarks };
}

/** What files.yaml says of each path now, where it said something else before. */
function attributeRemarks(before: string | undefined, after: string | undefined): string[] {
  const [old, now] = [before, after].map((text) => new Map(Object.entries(pathsOf(text))));
  const paths = [...new Set([...old!.keys(), ...now!.keys()])].sort(byCodePoint);
  const said = (one: object | undefined) =>
    one === undefined
      ? "has usual attributes"
      : `has ${Object.entries(one)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}`;
  return paths.flatMap((path) =>
    said(old!.get(path)) === said(now!.get(path)) ? [] : [`${path} ${said(now!.get(path))}`],
  );
}

function pathsOf(text: string | undefined): Record<string, object> {
  return (parse(text ?? "") as { paths?: Record<string, object> } | null)?.paths ?? {};
}

export function differenceLine(path: string, host: string, how: string, reference: string): string {
  const words: Record<string, string> = { missing: "is missing on", extra: "is only on" };
  return words[how] === undefined
    ? `${path} differs on ${host} in its ${how} from ${reference}`
    : `${path} ${words[how]} ${host}`;
}
