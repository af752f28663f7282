import { describeSkew } from "../recovery/skew.ts";
import { isUp, type ServerBoot } from "./boots.ts";
import type { GameDayReport, Step } from "./report.ts";

/** The report for people: verdict first, then what it rests on. GitHub-flavoured Markdown. */
export function reportMarkdown(report: GameDayReport): string {
  return [
    `# Game day ${report.id}: ${report.verdict.toUpperCase()}`,
    "",
    `Environment \`${report.environment}\` at commit \`${report.commit.slice(0, 12)}\`; region ${report.scenario.region} ` +
      (report.faultAt === undefined
        ? `was to be lost, and the day ended before; `
        : `was lost (it answered nothing: ${report.scenario.mode}), to be rebuilt in ${report.scenario.recoveryRegion}${asOfWords(report)}; `) +
      (report.scenario.engine === "none"
        ? "instances had no bodies."
        : `instances ran on engine ${report.scenario.engine}.`),
    ...report.scenario.passedOver.map((reason) => `Not a better one: ${reason}.`),
    "",
    ...section(
      "Why it failed",
      report.reasons.map((reason) => `- ${reason}`),
    ),
    ...report.steps.flatMap(({ name, error = [] }) =>
      error.length > 1 ? verbatim(`What step ${name} said`, error) : [],
    ),
    ...report.consoles.flatMap(({ server, instance, lines }) =>
      verbatim(`The end of the console of ${server} (${instance})`, lines),
    ),
    "## Measured",
    "",
    "| | measured | objective |",
    "| --- | ---: | ---: |",
    `| RTO, from the fault until every check passed | ${report.rtoSeconds === undefined ? "none" : seconds(report.rtoSeconds)} | ${seconds(report.objectives.rtoSeconds)} |`,
    ...report.rpo.map(
      ({ name, rpoSeconds, takenAt }) =>
        `| RPO of ${name} by the catalog (data of ${takenAt}) | ${seconds(rpoSeconds)} | ${seconds(report.objectives.rpoSeconds)} |`,
    ),
    ...rowsLine(report),
    "",
    spentLine(report),
    "",
    "## Steps",
    "",
    "Terraform and AWS are API time; boot is waiting for servers and nothing else, and data the same while one assembled and mounted its volumes. What boots beside Terraform is under Servers.",
    "",
    "| step | time | Terraform | AWS | boot | data | Rekindle | on the clock | outcome |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ...report.steps.map(stepRow),
    "",
    `Rekindle's own share of the time: ${(report.overheadShare * 100).toFixed(1)} %.`,
    "",
    ...section("Servers", bootTable(report.boots)),
    ...section("Plan", planLines(report)),
    "## Checks",
    "",
    ...report.checks.map(
      ({ name, passed, expected, found }) =>
        `- ${passed ? "passed" : "**FAILED**"}: ${name}${passed ? ` (${found})` : `: expected ${expected}, found ${found}`}`,
    ),
    countLine("calls of the rebuild to the lost region", report.lostCalls),
    countLine("resources left after the teardown", report.leftovers),
    "",
    ...section(
      "What this day does not prove",
      report.limits.map((limit) => `- ${limit}`),
    ),
  ].join("\n");
}

function asOfWords({ scenario: { asOf } }: GameDayReport): string {
  return asOf === undefined ? "" : ` as it was at ${asOf}`;
}

function rowsLine({ data, objectives }: GameDayReport): string[] {
  if (data === undefined) return [];
  const { written, lost, cameBack, rpoSeconds } = data;
  const newest =
    cameBack === undefined ? "no row came back" : `row ${cameBack.id} of ${cameBack.at} came back`;
  return [
    `| RPO by the rows themselves (${newest}; ${written} written, ${lost} lost) | ${rpoSeconds === undefined ? "none" : seconds(rpoSeconds)} | ${seconds(objectives.rpoSeconds)} |`,
  ];
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""];
}

function stepRow({ name, seconds: total, spent, onTheClock, outcome }: Step): string {
  return `| ${name} | ${seconds(total)} | ${seconds(spent.terraform)} | ${seconds(spent.aws)} | ${seconds(spent.boot)} | ${seconds(spent.data)} | ${seconds(spent.rekindle)} | ${onTheClock ? "yes" : ""} | ${outcome} |`;
}

function spentLine({ rtoSpent: { terraform, aws, boot, data, rekindle } }: GameDayReport): string {
  return (
    `Of the time on the clock: API ${seconds(terraform + aws)} (Terraform ${seconds(terraform)}, AWS ${seconds(aws)}), ` +
    `boot ${seconds(boot)}, data ${seconds(data)}, Rekindle itself ${seconds(rekindle)}.`
  );
}

/** Servers come up beside each other and beside Terraform: their times are not parts of a sum. */
function bootTable(boots: readonly ServerBoot[]): string[] {
  if (boots.length === 0) return [];
  return [
    "| server | from launch to healthy | of that: its data | outcome |",
    "| --- | ---: | ---: | --- |",
    ...boots.map((boot) => {
      const { server, instance, bootSeconds, dataSeconds, outcome, message } = boot;
      const [boots, data] = [bootSeconds, dataSeconds].map((one) => (one === undefined ? "" : seconds(one)));
      return `| ${server} (${instance}) | ${boots} | ${data} | ${isUp(boot) ? outcome : `**${outcome}**: ${message}`} |`;
    }),
  ];
}

/** Lines as they are: no mark-up of theirs may count. */
function verbatim(title: string, lines: readonly string[]): string[] {
  return [`## ${title}`, "", ...lines.map((line) => `    ${line}`), ""];
}

/** What must be none. What nobody counted is not passed. */
function countLine(what: string, found: readonly unknown[] | undefined): string {
  if (found === undefined) return `- not counted: ${what}`;
  return `- ${found.length === 0 ? "passed" : "**FAILED**"}: ${what}: ${found.length}`;
}

function planLines({ plan }: GameDayReport): string[] {
  if (plan === undefined) return [];
  return [
    `- plan \`${plan.id}\`, release \`${plan.release}\``,
    ...(plan.point === undefined
      ? []
      : [`- recovery point \`${plan.point}\`, ${plan.consistency} consistent`]),
    ...(plan.skew === undefined ? [] : [`- skew between data sets: ${describeSkew(plan.skew)}`]),
    ...plan.reasons.map((reason) => `- ${reason}`),
    ...plan.passedOver.map(({ point, reasons }) => `- passed over \`${point}\`: ${reasons.join("; ")}`),
  ];
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
