import { createHash } from "node:crypto";
import {
  type FindSecrets,
  fillsIn,
  isOwnTemplate,
  type Mask,
  masking,
  referring,
  type SecretFinding,
} from "../../collect/cleanse.ts";
import type { Reference } from "../../collect/entry.ts";
import type { Cleaned } from "../../collect/reading.ts";
import { roleFilesFolder } from "../../config/files.ts";
import type { Aside } from "./aside.ts";

export interface CleaningRules {
  role: string;
  masks: readonly Mask[];
  secrets: "refuse" | "reference";
  /** Without those that the project allows. Asked with the path in the repository. */
  findSecrets: FindSecrets;
  /** What git has of the files that servers fill in, by path. */
  templates: ReadonlyMap<string, string>;
}

/** Files of any size go through in windows of whole lines, so that no more than this is in memory. */
const windowBytes = 4 * 1024 * 1024;

/**
 * Takes a file's bytes aside as git shall hold them: masked, and without secrets. The same content of many hosts is
 * looked at once.
 */
export function cleaning(
  rules: CleaningRules,
  aside: Aside,
): (path: string, content: AsyncIterable<Buffer>) => Promise<Cleaned> {
  const mask = masking(rules.masks);
  const seen = new Map<string, Cleaned>();
  return async (path, content) => {
    const windows = inWindows(content);
    const first = (await windows.next()).value ?? Buffer.alloc(0);
    const second = await windows.next();
    if (!second.done) return cleanParts(rules, mask, aside, path, chain([first, second.value], windows));
    const key = `${createHash("sha256").update(first).digest("hex")} ${path}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const template = rules.templates.get(path);
    const cleaned =
      template === undefined
        ? await cleanParts(rules, mask, aside, path, chain([first]))
        : await cleanTemplate(rules, aside, path, mask(path, first), template);
    seen.set(key, cleaned);
    return cleaned;
  };
}

async function cleanParts(
  rules: CleaningRules,
  mask: (path: string, bytes: Buffer) => Buffer,
  aside: Aside,
  path: string,
  windows: AsyncIterable<Buffer>,
): Promise<Cleaned> {
  const out = await aside.begin();
  const reasons: string[] = [];
  const references: Reference[] = [];
  const taken = new Set<string>();
  const live = createHash("sha256");
  let lines = 0;
  let isBraced = false;
  try {
    for await (const window of windows) {
      const masked = mask(path, window);
      const found = rules
        .findSecrets(roleFilesFolder(rules.role) + path.slice(1), masked)
        .map((one) => ({ ...one, line: one.line + lines }));
      lines += count(masked);
      live.update(masked);
      isBraced ||= masked.includes("{{");
      if (rules.secrets === "refuse") reasons.push(...found.map(looksSecret));
      const replaced = referring(rules.role, path, masked, found, taken);
      references.push(
        ...replaced.names.map(({ finding: { line, rule }, name }) => ({ path, line, rule, name })),
      );
      await out.add(replaced.bytes);
    }
  } catch (error) {
    await out.cancel();
    throw error;
  }
  const isTemplate = references.length > 0;
  if (isTemplate && rules.secrets === "reference" && isBraced)
    reasons.push("holds a secret, and {{ of its own, which a template would read as a reference");
  if (reasons.length > 0) {
    await out.cancel();
    return { kind: "left-out", reasons };
  }
  const secrets = isTemplate ? { secrets: live.digest("hex") } : {};
  return { kind: "kept", sha256: await out.end(), template: isTemplate, ...secrets, references };
}

/** A file that servers fill in stays the template it is, as long as the live one is what it gives. */
async function cleanTemplate(
  rules: CleaningRules,
  aside: Aside,
  path: string,
  live: Buffer,
  template: string,
): Promise<Cleaned> {
  const isOwn = isOwnTemplate(rules.role, template);
  if (fillsIn(template, live.toString())) {
    // What else a template is filled with, such as the server's name, differs between hosts by right.
    const secrets = isOwn ? { secrets: createHash("sha256").update(live).digest("hex") } : {};
    const sha256 = await aside.put(Buffer.from(template));
    return { kind: "kept", sha256, template: true, ...secrets, references: [] };
  }
  if (rules.secrets === "reference" && isOwn)
    return cleanParts(rules, (_path, bytes) => bytes, aside, path, chain([live]));
  const reason = "is not what its template in git gives any more; carry the change into the template by hand";
  return { kind: "left-out", reasons: [reason] };
}

function looksSecret({ line, column, rule }: SecretFinding): string {
  return `line ${line}, column ${column}: looks like a secret (rule ${rule})`;
}

/** Windows end with a line where one ends within them. */
async function* inWindows(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const part of content) {
    parts.push(part);
    size += part.length;
    if (size < windowBytes) continue;
    const all = Buffer.concat(parts);
    const end = all.lastIndexOf(10) + 1 || all.length;
    yield all.subarray(0, end);
    parts = [all.subarray(end)];
    size = all.length - end;
  }
  if (size > 0) yield Buffer.concat(parts);
  return undefined;
}

async function* chain(first: readonly Buffer[], rest?: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  if (rest !== undefined) yield* rest;
}

function count(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}
