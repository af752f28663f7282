import type { Cloud } from "../edges/cloud.ts";
import type { Sandbox } from "../edges/sandbox.ts";
import type { Terraform } from "../edges/terraform.ts";

/** Where a day takes place: a sandbox of its own, and what works in it. */
export interface Field {
  sandbox: Sandbox;
  cloud: Cloud;
  terraform: Terraform;
}
