import { Command } from "commander";
import type { FaultKind, FaultRule } from "../../edges/sandbox.ts";
import { runningSandbox, type SandboxContext } from "./context.ts";
import { parseNumber } from "./input.ts";

interface AddOptions {
  service?: string;
  action?: string;
  region?: string;
  share?: number;
  latency?: number;
}

/** `rekindle sandbox fault add|list|clear`. */
export function faultCommand(context: () => Promise<SandboxContext>): Command {
  const command = new Command("fault").description("let requests fail by rule");
  command
    .command("add <kind>")
    .description(
      "throttle, 500, 503, reset, latency, or capacity (no room for another instance), for the requests that match; everything when nothing is named",
    )
    .option("--service <service>", "as in signatures: ec2, s3, rds, elasticloadbalancing")
    .option("--action <action>", "as AWS names it: RunInstances, PutObject")
    .option("--region <region>")
    .option("--share <share>", "part of the matching requests, from 0 to 1, evenly spaced", parseNumber)
    .option("--latency <milliseconds>", "how long, for the kind latency", parseNumber)
    .action(async (kind: string, options: AddOptions) => addFault(await context(), kind, options));
  command
    .command("list")
    .option("--json", "for programs")
    .action(async ({ json }: { json?: boolean }) => listFaults(await context(), json === true));
  command
    .command("clear [id]")
    .description("remove one fault, or all")
    .action(async (id: string | undefined) => clearFaults(await context(), id));
  return command;
}

/** The gateway checks the rule, so that every client is told the same. */
async function addFault(
  context: SandboxContext,
  kind: string,
  { latency, ...match }: AddOptions,
): Promise<void> {
  const rule: Omit<FaultRule, "share"> & { share?: number } = {
    ...match,
    kind: kind as FaultKind,
    ...(latency === undefined ? {} : { latencyMs: latency }),
  };
  context.print(await (await runningSandbox(context)).addFault(rule));
}

async function listFaults(context: SandboxContext, json: boolean): Promise<void> {
  const faults = await (await runningSandbox(context)).faults();
  if (json) return context.print(JSON.stringify({ version: 1, faults }, undefined, 2));
  if (faults.length === 0) context.print("no faults are set");
  for (const { id, kind, share, service, action, region, latencyMs } of faults) {
    const what = [service ?? "every service", action ?? "every action", region ?? "every region"].join(", ");
    const extra = latencyMs === undefined ? "" : ` of ${latencyMs} ms`;
    context.print(`${id}: ${kind}${extra} for ${share * 100} % of ${what}`);
  }
}

async function clearFaults(context: SandboxContext, id: string | undefined): Promise<void> {
  const sandbox = await runningSandbox(context);
  await (id === undefined ? sandbox.clearFaults() : sandbox.removeFault(id));
  context.print(id === undefined ? "all faults are cleared" : `${id} is cleared`);
}
