import { hint, secretRules } from "./rules.ts";

/** Something that looks like a secret. The value itself is never told: only where it stands. */
export interface Finding {
  rule: string;
  /** Of the value, from 1. */
  line: number;
  column: number;
  /** Bytes of the value: from `start` up to, and without, `end`. */
  start: number;
  end: number;
}

/** Looks for secrets in a file. Of a binary file only private keys are looked for. */
export function findSecrets(path: string, bytes: Uint8Array): Finding[] {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isBinary = content.subarray(0, 8192).includes(0);
  // As bytes: places are the same whatever the encoding, and every secret's own alphabet is ASCII.
  const text = content.toString("latin1");
  const isHinted = hint.test(text);
  const rules = secretRules.filter(
    ({ name, files }) =>
      (!isBinary || name === "private-key") && (files === undefined ? isHinted : files.test(path)),
  );
  const found = rules.flatMap(({ name, pattern, isSecret = () => true }) =>
    [...text.matchAll(pattern)].flatMap((match): Finding[] => {
      const [start, end] = valueRange(match);
      if (!isSecret(text.slice(start, end), lineAt(text, start))) return [];
      return [{ rule: name, ...place(text, start), start, end }];
    }),
  );
  return withoutOverlaps(found.sort((a, b) => a.start - b.start || b.end - a.end));
}

function valueRange({ groups, indices }: RegExpMatchArray): [number, number] {
  const group = ["value", "quoted", "single", "bare"].find((name) => groups?.[name] !== undefined)!;
  return indices!.groups![group]!;
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\n", at);
  return text.slice(text.lastIndexOf("\n", at - 1) + 1, end === -1 ? text.length : end);
}

function place(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split("\n").length, column: at - before.lastIndexOf("\n") };
}

/** Two rules may see one value: the first and longest is told. */
function withoutOverlaps(findings: readonly Finding[]): Finding[] {
  let end = -1;
  return findings.filter((finding) => {
    if (finding.start < end) return false;
    end = finding.end;
    return true;
  });
}
