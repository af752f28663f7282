/** How the rehearsal of one server went. Times are in seconds, measured on this computer. */
export interface RehearsalReport {
  version: 1;
  environment: string;
  role: string;
  server: string;
  /** The engine that ran it. */
  engine: string;
  /** The work tree as a release: its name begins with `worktree`, which no commit's does. */
  release: string;
  /** Digest of the image's recipe, and whether this run baked it. */
  image: { recipe: string; origin: "baked" | "saved" };
  /** The recovery point that its data came from; data volumes were blank otherwise. */
  from?: string;
  verdict: "passed" | "failed";
  message: string;
  health: HealthLook;
  /** In order, without gaps. */
  steps: { name: string; seconds: number }[];
  seconds: number;
  /** What the services said that did not run, or all of them when they did and were not healthy. */
  said: string[];
  /** The end of the console, of a server that failed. */
  console: string[];
  /** What its role depends on and what was not there. */
  absent: string[];
  /** Calls of AWS that it made and that a rehearsal does not answer. */
  refusedCalls: string[];
  /** What this does not prove. */
  limits: string[];
}

/** One look at the role's health check, after the boot. */
export interface HealthLook {
  check: string;
  passed: boolean;
  /** What it answered, such as `200`. */
  answer: string;
}

/** What holds for every rehearsal of one server, whatever the engine. */
export const rehearsalLimits: readonly string[] = [
  "the server runs alone: what it needs of other servers, databases and load balancers is not proven",
  "permissions are not checked, and parameters and secrets have random values",
];

/** What a person reads below the steps. */
export function describeRehearsal(report: RehearsalReport): string[] {
  const { verdict, server, engine, seconds, message, health } = report;
  const width = Math.max(...report.steps.map(({ name }) => name.length));
  const below = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
  return [
    `${server} ${verdict === "passed" ? "is healthy" : "FAILED"} on engine ${engine}, ${seconds.toFixed(1)} s: ${message}`,
    `health: ${health.check}: ${health.answer}`,
    ...below(
      "time:",
      report.steps.map((step) => `${step.name.padEnd(width)}  ${step.seconds.toFixed(2)} s`),
    ),
    ...below("its services' last words:", report.said),
    ...below("the end of its console:", report.console),
    ...below("not there:", report.absent),
    ...below("asked of AWS and not answered:", report.refusedCalls),
    ...below("not proven:", report.limits),
  ];
}
