import type { Cost } from "./measure.ts";

/** One line of a benchmark's table: what was done, and what each tool took for it. Rekindle comes first. */
export interface Row {
  what: string;
  costs: Record<string, Pick<Cost, "seconds"> & Partial<Cost>>;
  /** What else was counted, for the last column. */
  note?: string;
}

/** A benchmark's result as a Markdown table, each other tool's time as a ratio to Rekindle's. */
export function table(rows: readonly Row[]): string {
  const tools = [...new Set(rows.flatMap(({ costs }) => Object.keys(costs)))];
  const lines = rows.map(({ what, costs, note = "" }) => {
    const own = costs[tools[0]!]!.seconds;
    const cells = tools.map((tool) => {
      const cost = costs[tool];
      if (cost === undefined) return "";
      const ratio = tool === tools[0] ? "" : `, ${(cost.seconds / own).toFixed(1)} ×`;
      const memory = cost.peakMiB === undefined ? "" : `, ${Math.round(cost.peakMiB)} MiB`;
      return `${cost.seconds.toFixed(2)} s${ratio}${memory}`;
    });
    return `| ${[what, ...cells, note].join(" | ")} |`;
  });
  return [`| | ${tools.join(" | ")} | |`, `| --- |${" ---: |".repeat(tools.length)} --- |`, ...lines].join(
    "\n",
  );
}
