import type { DriftReport } from "../drift/report.ts";
import type { Parameters } from "../edges/aws/parameters.ts";
import type { Clients } from "../edges/clients.ts";
import type { Cloud } from "../edges/cloud.ts";
import type { Sandbox } from "../edges/sandbox.ts";
import type { Terraform } from "../edges/terraform.ts";
import type { ServerBoot, ServerConsole } from "../gameday/boots.ts";
import type { ShellOf } from "./snapshot-context.ts";

/** Where a day takes place: a sandbox of its own, and what works in it. */
export interface Field {
  sandbox: Sandbox;
  cloud: Cloud;
  terraform: Terraform;
  /** Only where instances have bodies. */
  live?: LiveField;
}

/** What can be done with an environment whose servers really run. */
export interface LiveField {
  /** Of the primary and the recovery region. */
  parameters: readonly Parameters[];
  /** Undefined for an environment that does not say what its clients do. */
  clients: { primary: Clients; recovery: Clients } | undefined;
  /** How the primary's servers are made quiet. */
  shellOf: ShellOf;
  /** How some of the rebuilt servers differ from their release. */
  drift(of: readonly ServerBoot[]): Promise<DriftReport>;
  /** How a region's servers have come up so far. */
  boots(region: string): Promise<ServerBoot[]>;
  /** The last that some servers of a region have said. */
  consoles(region: string, of: readonly ServerBoot[]): Promise<ServerConsole[]>;
}
