import type { Candidate } from "./exempt.ts";
import type { SecretRule } from "./rule.ts";
import { settingRules } from "./setting-rules.ts";
import { sieve } from "./sieve.ts";
import { tokenRules } from "./token-rules.ts";

const secretRules = [...tokenRules, ...settingRules];
const words = sieve();

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
  words.pour(content);
  const candidates = secretRules.filter(
    (rule) =>
      (!isBinary || rule.name === "private-key") &&
      (rule.files === undefined || rule.files.test(path)) &&
      rule.words.some((word) => words.mayHave(word)),
  );
  const lower = candidates.length === 0 ? "" : text.toLowerCase();
  const rules = candidates.filter((rule) => rule.words.some((word) => lower.includes(word)));
  const found = rules.flatMap((rule) => findingsOf(rule, text));
  return placed(text, withoutOverlaps(found.sort((a, b) => a.start - b.start || b.end - a.end)));
}

type Range = Pick<Finding, "rule" | "start" | "end">;

function findingsOf({ name, pattern, isSecret = () => true }: SecretRule, text: string): Range[] {
  return [...text.matchAll(pattern)].flatMap((match): Range[] => {
    const [start, end] = valueRange(match);
    return isSecret(candidate(text, start, end)) ? [{ rule: name, start, end }] : [];
  });
}

const groups = ["value", "quoted", "single", "bare", "block", "element"];

function valueRange({ indices }: RegExpMatchArray): [number, number] {
  return groups.map((name) => indices!.groups![name]).find((range) => range !== undefined)!;
}

/** A line may be a whole file: no more of it than a name and a comment's sign take. */
function candidate(text: string, start: number, end: number): Candidate {
  return {
    value: text.slice(start, end),
    before: text.slice(Math.max(0, start - 200), start).replace(/^.*\n/s, ""),
    after: text.slice(start, end + 40).replace(/\n.*$/s, ""),
  };
}

/** Counts lines once for all findings, in order. */
function placed(text: string, ranges: readonly Range[]): Finding[] {
  let line = 1;
  let lineStart = 0;
  return ranges.map((range) => {
    for (let next = text.indexOf("\n", lineStart); next !== -1 && next < range.start; ) {
      line += 1;
      lineStart = next + 1;
      next = text.indexOf("\n", lineStart);
    }
    return { ...range, line, column: range.start - lineStart + 1 };
  });
}

/** Two rules may see one value: the first and longest is told. */
function withoutOverlaps(ranges: readonly Range[]): Range[] {
  let end = -1;
  return ranges.filter((range) => {
    if (range.start < end) return false;
    end = range.end;
    return true;
  });
}
