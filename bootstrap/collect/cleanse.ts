import { matcher } from "./globs.ts";

/** A secret's value as it stands in a file: places count from 1, the range is of bytes. Never the value itself. */
export interface SecretFinding {
  rule: string;
  line: number;
  column: number;
  start: number;
  end: number;
}

export type FindSecrets = (path: string, bytes: Uint8Array) => readonly SecretFinding[];

/** A role's `masks`, as it says them. */
export interface Mask {
  paths: readonly string[];
  pattern: string;
  replacement: string;
}

/** Replaces what changes by itself, line by line. Bytes that no mask touches stay as they are, whatever they encode. */
export function masking(masks: readonly Mask[]): (path: string, bytes: Buffer) => Buffer {
  const ready = masks.map(({ paths, pattern, replacement }) => ({
    isFor: matcher(paths),
    expression: new RegExp(pattern, "g"),
    replacement,
  }));
  return (path, bytes) => {
    const meant = ready.filter(({ isFor }) => isFor(path));
    if (meant.length === 0) return bytes;
    const encoding = isUtf8(bytes) ? "utf8" : "latin1";
    const lines = bytes.toString(encoding).split("\n");
    const masked = lines.map((line) =>
      meant.reduce((text, { expression, replacement }) => text.replace(expression, replacement), line),
    );
    return Buffer.from(masked.join("\n"), encoding);
  };
}

/**
 * Puts a reference in the place of each secret's value, and tells the names. `taken` holds those that the file has
 * used already, so that a file's parts name no two secrets alike.
 */
export function referring(
  role: string,
  path: string,
  bytes: Buffer,
  findings: readonly SecretFinding[],
  taken: Set<string>,
): { bytes: Buffer; names: { finding: SecretFinding; name: string }[] } {
  const parts: Buffer[] = [];
  const names: { finding: SecretFinding; name: string }[] = [];
  let at = 0;
  for (const finding of [...findings].sort((a, b) => a.start - b.start)) {
    const { start, end } = finding;
    // Two rules may see one value.
    if (start < at) continue;
    const name = free(secretName(role, path, keyBefore(bytes, start)), taken);
    names.push({ finding, name });
    parts.push(bytes.subarray(at, start), Buffer.from(`{{secret:${name}}}`));
    at = end;
  }
  return { bytes: Buffer.concat([...parts, bytes.subarray(at)]), names };
}

/** `rekindle/<role>/<path with hyphens>`, and the key that the value stands behind, where there is one. */
function secretName(role: string, path: string, key: string | undefined): string {
  const file = path
    .slice(1)
    .replaceAll("/", "-")
    .replace(/[^\w.+=@-]/g, "_");
  return `rekindle/${role}/${file}${key === undefined ? "" : `/${key}`}`;
}

function free(name: string, taken: Set<string>): string {
  let one = name;
  for (let count = 2; taken.has(one); count++) one = `${name}-${count}`;
  taken.add(one);
  return one;
}

/** The name to the left of a value: `password = "`, `DB_PASSWORD=`, `"secret": "`. */
function keyBefore(bytes: Buffer, start: number): string | undefined {
  const line = bytes.subarray(bytes.lastIndexOf(10, start - 1) + 1, start).toString("latin1");
  if (start === 0) return undefined;
  return /([\w.-]+)["']?\s*(?:=>|[=:])\s*["']?$/.exec(line)?.[1]?.slice(0, 64);
}

/** Whether every reference of a template was put there by `referring`, so that it can be made again from the host. */
export function isOwnTemplate(role: string, template: string): boolean {
  return (template.match(/\{\{.*?\}\}/gs) ?? []).every((one) => one.startsWith(`{{secret:rekindle/${role}/`));
}

/**
 * Whether a live file is what a template gives, whatever its references stand for. One that has a line to itself may
 * stand for many lines, such as a key's; any other one for a part of its line.
 */
export function fillsIn(template: string, live: string): boolean {
  const parts = template.split(/(\{\{[^{}]*\}\})/);
  const pattern = parts.map((part, index) => {
    if (index % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    const isAlone = /(^|\n)$/.test(parts[index - 1]!) && /^(\n|$)/.test(parts[index + 1]!);
    return isAlone ? "[^]*?" : "[^\\n]*?";
  });
  return new RegExp(`^${pattern.join("")}$`).test(live);
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString("utf8")).equals(bytes);
}
