import type { Topology } from "../config/schema.ts";
import type { Cloud } from "../edges/cloud.ts";
import { readRestoredFrom } from "../edges/terraform-state.ts";
import type { Check } from "../recovery/check.ts";
import type { Pins } from "../recovery/pins.ts";
import { verifySite } from "../recovery/verify.ts";

export interface VerifyContext {
  topology: Topology;
  cloud: Cloud;
  /** The plan's pins. */
  pins: Pins;
}

/** Looks at the rebuilt environment and compares it with its plan. Asks the rebuilt region only. */
export async function verify({ topology, cloud, pins }: VerifyContext): Promise<Check[]> {
  const region = pins.region === cloud.recovery.region ? cloud.recovery : cloud.primary;
  const [observed, restoredFrom] = await Promise.all([
    region.inventory.observe(topology.environment.name, pins.site),
    readRestoredFrom(cloud.state, `${pins.site}-stack.tfstate`),
  ]);
  return verifySite(topology, pins, observed, restoredFrom);
}
