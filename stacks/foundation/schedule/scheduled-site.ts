import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import type { Place } from "../../../bootstrap/config/places.ts";

/** One region's part of the foundation, as schedules need it. */
export interface ScheduledSite {
  provider: AwsProvider;
  region: string;
  keyArn: string;
  vault: { name: string; arn: string };
}

/** A further place that copies go to. */
export interface CopiedTo {
  place: Place;
  keyArn: string;
}
