import type { Change } from "./compare.ts";
import { type Mask, patchOf } from "./patch.ts";

/** Changes as unified text, much as `git diff` prints them, secrets masked. */
export function unified(changes: readonly Change[], mask: Mask): string[] {
  return changes.flatMap((change) => describe(change, mask));
}

function describe(change: Change, mask: Mask): string[] {
  const { header, lines } = patchOf(change, mask);
  const name = `${change.role}${change.path.startsWith("/") ? "" : "/"}${change.path}`;
  const [a, b] = [`a/${name}`, `b/${name}`];
  const opening = [`diff --git ${a} ${b}`, ...header];
  if (lines.kind === "none") return opening;
  if (lines.kind === "remark") return [...opening, `# ${lines.text}`];
  return [
    ...opening,
    `--- ${change.before?.kind === "file" ? a : "/dev/null"}`,
    `+++ ${change.after?.kind === "file" ? b : "/dev/null"}`,
    ...lines.hunks.flatMap((hunk) => [
      `@@ -${span(hunk.oldStart, hunk.oldLines)} +${span(hunk.newStart, hunk.newLines)} @@`,
      ...hunk.lines,
    ]),
  ];
}

function span(start: number, lines: number): string {
  if (lines === 1) return `${start}`;
  return `${lines === 0 ? start - 1 : start},${lines}`;
}
