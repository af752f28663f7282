import type { Span } from "./boots.ts";
import type { Step } from "./report.ts";

/** Tells apart, in steps that waited for servers, when one of them was at its data. The sums stay. */
export function withDataTime(steps: readonly Step[], atData: readonly Span[]): Step[] {
  return steps.map((step) => {
    const from = Date.parse(step.startedAt);
    const covered = coveredSeconds({ from, to: from + step.seconds * 1000 }, atData);
    // In the same step something else may have been waited for, such as Terraform: that has been told already.
    const data = Math.min(step.spent.boot, covered);
    return { ...step, spent: { ...step.spent, boot: rounded(step.spent.boot - data), data } };
  });
}

/** Whose the time of the steps on the clock was: their sum is the RTO. */
export function spentOnTheClock(steps: readonly Step[]): Step["spent"] {
  const sum: Step["spent"] = { terraform: 0, aws: 0, boot: 0, data: 0, passing: 0, rekindle: 0 };
  for (const { spent } of steps.filter(({ onTheClock }) => onTheClock))
    for (const kind of Object.keys(sum) as (keyof Step["spent"])[])
      sum[kind] = rounded(sum[kind] + spent[kind]);
  return sum;
}

/** How much of a span others cover together, in seconds. */
function coveredSeconds(span: Span, others: readonly Span[]): number {
  let covered = 0;
  let reached = span.from;
  for (const { from, to } of [...others].sort((a, b) => a.from - b.from)) {
    const end = Math.min(to, span.to);
    covered += Math.max(0, end - Math.max(from, reached));
    reached = Math.max(reached, end);
  }
  return rounded(covered / 1000);
}

function rounded(seconds: number): number {
  return Number(seconds.toFixed(3));
}
