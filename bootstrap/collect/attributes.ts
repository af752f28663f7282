import { isMap, parseDocument } from "yaml";
import type { FileAttributes } from "../config/attributes-schema.ts";
import { byCodePoint } from "../release/tree.ts";
import type { Entry, Tree } from "./entry.ts";

type Attributes = FileAttributes[string];

/** What `files.yaml` has to say of an entry; nothing where git and the defaults say it all. */
export function attributesOf(entry: Entry): Attributes | undefined {
  const said: Attributes = {};
  if (entry.kind === "directory") said.kind = "directory";
  if (entry.kind !== "link" && entry.mode !== usualMode(entry)) said.mode = entry.mode;
  if (entry.owner !== "root") said.owner = entry.owner;
  if (entry.group !== "root") said.group = entry.group;
  if (entry.kind === "file" && entry.template) said.template = true;
  return Object.keys(said).length === 0 ? undefined : said;
}

/** The mode that an entry has when nothing is said: what git keeps of a file's is whether its owner may run it. */
export function usualMode(entry: Exclude<Entry, { kind: "link" }>): string {
  return entry.kind === "directory" || isExecutable(entry.mode) ? "0755" : "0644";
}

export function isExecutable(mode: string): boolean {
  return (Number.parseInt(mode, 8) & 0o100) !== 0;
}

/** A tree without the folders that are there anyway, because something lies in them and nothing is special about them. */
export function withoutUsualFolders(tree: Tree): Tree {
  const parents = new Set<string>();
  for (const path of tree.keys())
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      parents.add(path.slice(0, end));
  return new Map(
    [...tree].filter(([path, entry]) => {
      if (path === "/") return false;
      if (entry.kind !== "directory" || !parents.has(path)) return true;
      return entry.mode !== "0755" || entry.owner !== "root" || entry.group !== "root";
    }),
  );
}

/**
 * The text of `files.yaml` after some paths' attributes changed: comments, order and whatever else is in it stay.
 * Nothing when there is nothing to say and no file.
 */
export function editAttributes(
  text: string | undefined,
  wanted: ReadonlyMap<string, Attributes | undefined>,
): string | undefined {
  const document = parseDocument(text ?? "version: 1\npaths: {}\n");
  const before = ((document.toJS() as { paths?: FileAttributes } | null)?.paths ?? {}) as FileAttributes;
  let edits = 0;
  for (const [path, attributes] of [...wanted].sort(([a], [b]) => byCodePoint(a, b))) {
    if (same(before[path], attributes)) continue;
    edits++;
    if (attributes === undefined) document.deleteIn(["paths", path]);
    else document.setIn(["paths", path], document.createNode(attributes, { flow: true }));
  }
  if (edits === 0) return text;
  const paths = document.get("paths");
  if (isMap(paths)) paths.flow = paths.items.length === 0;
  return document.toString({ lineWidth: 0 });
}

function same(a: Attributes | undefined, b: Attributes | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const text = ({ kind, owner, group, mode, template }: Attributes) =>
    JSON.stringify([kind, owner ?? "root", group ?? "root", mode?.padStart(4, "0"), template ?? false]);
  return text(a) === text(b);
}
