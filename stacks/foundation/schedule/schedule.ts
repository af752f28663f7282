import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import type { Topology } from "../../../bootstrap/config/schema.ts";
import { BackupRole, BackupSchedule } from "./backups.ts";
import { ImageSchedule } from "./images.ts";
import { PointSchedule } from "./points.ts";
import { RestoreTests } from "./restore-tests.ts";

/** One region's part of the foundation, as schedules need it. */
export interface ScheduledSite {
  provider: AwsProvider;
  region: string;
  keyArn: string;
  vault: { name: string; arn: string };
}

/**
 * What AWS's own engines do by the clock. Points and images are taken where the primary is. Backups are set up in both
 * regions alike, each copying to the other, so that an environment that was rebuilt has a second line at once.
 */
export class Schedules extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { topology, sites }: { topology: Topology; sites: readonly [ScheduledSite, ScheduledSite] },
  ) {
    super(scope, id);
    const { schedule } = topology.environment;
    const [primary, recovery] = sites;
    if (schedule?.points !== undefined)
      new PointSchedule(this, "points", { topology, schedule, points: schedule.points, primary, recovery });
    if (schedule?.images !== undefined)
      new ImageSchedule(this, "images", {
        environment: topology.environment,
        images: schedule.images,
        primary,
      });
    if (schedule?.backups === undefined) return;
    const { environment } = topology;
    const role = new BackupRole(this, "backup-role", { environment, provider: primary.provider });
    const shared = { topology, schedule, backups: schedule.backups, role };
    new BackupSchedule(this, "backups-primary", { ...shared, from: primary, to: recovery });
    new BackupSchedule(this, "backups-recovery", { ...shared, from: recovery, to: primary });
    const { restoreTests } = schedule.backups;
    if (restoreTests !== undefined)
      new RestoreTests(this, "restore-tests", { topology, schedule, at: restoreTests, role, site: recovery });
  }
}
