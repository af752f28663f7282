import { type StructuredPatchHunk, structuredPatch } from "diff";
import type { TreeEntry } from "../release/tree.ts";
import type { Change } from "./compare.ts";

/** Replaces every secret's value in a text for people's eyes; lines stay lines. */
export type Mask = (path: string, text: string) => string;

/** One change, ready to be shown: what changed about the path itself, and its lines when they can be shown. */
export interface Patch {
  title: string;
  header: string[];
  lines:
    | { kind: "none" }
    | { kind: "remark"; text: string }
    | { kind: "hunks"; hunks: StructuredPatchHunk[] };
}

/** The time to compare grows with the square of what differs: beyond this, all of it is shown as replaced. */
const mostEdits = 2_000;

export function patchOf(change: Change, mask: Mask): Patch {
  const { role, path, before, after, isFilledIn } = change;
  const title = `${role}:${path}`;
  const header = headerOf(change);
  const [old, now] = [bytesOf(before), bytesOf(after)];
  const isSame = old !== undefined && now !== undefined && Buffer.compare(old, now) === 0;
  if ((old === undefined && now === undefined) || isSame) return { title, header, lines: { kind: "none" } };
  const remark = (text: string): Patch => ({ title, header, lines: { kind: "remark", text } });
  if (isFilledIn) return remark("a template filled in on a server may hold secrets, and stays hidden");
  if (isBinary(old) || isBinary(now)) return remark("binary files differ");
  const shown = (bytes: Uint8Array | undefined) => visible(mask(path, Buffer.from(bytes ?? []).toString()));
  const hunks = hunksOf(shown(old), shown(now));
  if (hunks.length > 0) return { title, header, lines: { kind: "hunks", hunks } };
  const isEmpty = (old?.length ?? 0) + (now?.length ?? 0) === 0;
  return isEmpty
    ? { title, header, lines: { kind: "none" } }
    : remark("only secrets differ, which are hidden");
}

function hunksOf(old: string, now: string): StructuredPatchHunk[] {
  const options = { context: 3, maxEditLength: mostEdits };
  const patch = structuredPatch("a", "b", old, now, "", "", options);
  if (patch !== undefined) return patch.hunks;
  const [removed, added] = [linesOf(old, "-"), linesOf(now, "+")];
  const count = (lines: readonly string[]) => lines.filter((line) => !line.startsWith("\\")).length;
  const [oldLines, newLines] = [count(removed), count(added)];
  return [{ oldStart: 1, oldLines, newStart: 1, newLines, lines: [...removed, ...added] }];
}

function linesOf(text: string, sign: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n").map((line) => sign + line);
  return text.endsWith("\n") ? lines.slice(0, -1) : [...lines, "\\ No newline at end of file"];
}

function headerOf({ before, after }: Change): string[] {
  if (before === undefined) return after === undefined ? [] : [`new ${described(after)}`];
  if (after === undefined) return [`deleted ${described(before)}`];
  if (before.kind !== after.kind) return [`old ${described(before)}`, `new ${described(after)}`];
  return [
    ...pair("mode", modeOf(before), modeOf(after)),
    ...pair("owner", `${before.owner}:${before.group}`, `${after.owner}:${after.group}`),
    ...pair("target", targetOf(before), targetOf(after)),
    ...pair("template", templateOf(before), templateOf(after)),
  ];
}

function pair(what: string, before: string, after: string): string[] {
  return before === after ? [] : [`old ${what} ${before}`, `new ${what} ${after}`];
}

function described(entry: TreeEntry): string {
  const owner = `owner ${entry.owner}:${entry.group}`;
  if (entry.kind === "link") return `link to ${visible(entry.target)}, ${owner}`;
  const template = templateOf(entry) === "yes" ? ", template" : "";
  return `${entry.kind} mode ${entry.mode}, ${owner}${template}`;
}

const modeOf = (entry: TreeEntry) => (entry.kind === "link" ? "" : entry.mode);
const targetOf = (entry: TreeEntry) => (entry.kind === "link" ? visible(entry.target) : "");
const templateOf = (entry: TreeEntry) => (entry.kind === "file" && entry.template ? "yes" : "no");
const bytesOf = (entry: TreeEntry | undefined) => (entry?.kind === "file" ? entry.content : undefined);

/** As git sees it, and what is no UTF-8 besides: it can't be shown. */
function isBinary(bytes: Uint8Array | undefined): boolean {
  if (bytes === undefined) return false;
  if (bytes.subarray(0, 8_000).includes(0)) return true;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return false;
  } catch {
    return true;
  }
}

/** Control characters in caret notation: a server's file must not steer the terminal that shows it. */
export function visible(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, (one) => {
    const code = one.charCodeAt(0);
    return code < 128 ? `^${String.fromCharCode(code ^ 64)}` : `<${code.toString(16).padStart(4, "0")}>`;
  });
}
