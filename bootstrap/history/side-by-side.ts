import type { Change } from "./compare.ts";
import { type Mask, patchOf } from "./patch.ts";

/** Between the columns: the line changed, is only on the left, is only on the right, or is the same. */
type Mark = "|" | "<" | ">" | " ";

interface Row {
  left: string;
  mark: Mark;
  right: string;
}

const tab = "    ";
const narrowest = 20;

/** Changes in two columns that fit a width, secrets masked. Longer lines are cut. */
export function sideBySide(changes: readonly Change[], width: number, mask: Mask): string[] {
  const column = Math.floor((Math.max(width, narrowest) - 3) / 2);
  return changes.flatMap((change) => {
    const { title, header, lines } = patchOf(change, mask);
    const opening = [`== ${title}`, ...header.map((line) => `   ${line}`)].map((line) => cut(line, width));
    if (lines.kind === "none") return opening;
    if (lines.kind === "remark") return [...opening, cut(`   ${lines.text}`, width)];
    return [
      ...opening,
      ...lines.hunks.flatMap((hunk) => [
        row({ left: `line ${hunk.oldStart}`, mark: " ", right: `line ${hunk.newStart}` }, column),
        ...rowsOf(hunk.lines).map((one) => row(one, column)),
      ]),
    ];
  });
}

/** Removed lines stand beside the added ones that follow them. */
function rowsOf(lines: readonly string[]): Row[] {
  const rows: Row[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const flush = () => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++) {
      const [left, right] = [removed[index], added[index]];
      const mark = left === undefined ? ">" : right === undefined ? "<" : "|";
      rows.push({ left: left ?? "", mark, right: right ?? "" });
    }
    removed = [];
    added = [];
  };
  for (const line of lines) {
    const text = line.slice(1);
    if (line.startsWith("-")) {
      // What was added before belongs to lines above.
      if (added.length > 0) flush();
      removed.push(text);
    } else if (line.startsWith("+")) added.push(text);
    else if (line.startsWith(" ")) {
      flush();
      rows.push({ left: text, mark: " ", right: text });
    }
  }
  flush();
  return rows;
}

function row({ left, mark, right }: Row, column: number): string {
  const shown = cut(left, column);
  return `${shown}${" ".repeat(column - [...shown].length)} ${mark} ${cut(right, column)}`.trimEnd();
}

function cut(line: string, width: number): string {
  const characters = [...line.replaceAll("\t", tab)];
  return characters.length <= width ? characters.join("") : `${characters.slice(0, width - 1).join("")}…`;
}
