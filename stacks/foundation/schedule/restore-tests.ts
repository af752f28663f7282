import { BackupRestoreTestingPlan } from "@cdktf/provider-aws/lib/backup-restore-testing-plan/index.js";
import { BackupRestoreTestingSelection } from "@cdktf/provider-aws/lib/backup-restore-testing-selection/index.js";
import { Construct } from "constructs";
import { restoreTests } from "../../../bootstrap/config/names.ts";
import type { Schedule } from "../../../bootstrap/config/schedule-schema.ts";
import type { Topology } from "../../../bootstrap/config/schema.ts";
import { isStateful } from "../../../bootstrap/config/servers.ts";
import type { BackupRole } from "./backups.ts";
import type { ScheduledSite } from "./schedule.ts";

/**
 * AWS Backup restores the newest copy of each kind in the recovery region, where it would be needed, and deletes what
 * came of it an hour later. That a restore succeeds is all that it shows: nobody reads the data. A game day does.
 */
export class RestoreTests extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: { topology: Topology; schedule: Schedule; at: string; role: BackupRole; site: ScheduledSite },
  ) {
    super(scope, id);
    const { topology, schedule, at, role, site } = props;
    const { provider, vault } = site;
    const plan = new BackupRestoreTestingPlan(this, "plan", {
      provider,
      name: restoreTests(topology.environment.name),
      scheduleExpression: at,
      scheduleExpressionTimezone: schedule.timezone,
      recoveryPointSelection: [
        {
          algorithm: "LATEST_WITHIN_WINDOW",
          includeVaults: [vault.arn],
          recoveryPointTypes: ["SNAPSHOT"],
          selectionWindowDays: 30,
        },
      ],
    });
    for (const { name, type } of kindsOf(topology)) {
      new BackupRestoreTestingSelection(this, name, {
        provider,
        name: `${restoreTests(topology.environment.name)}_${name}`,
        restoreTestingPlanName: plan.name,
        protectedResourceType: type,
        // The vault is the environment's alone.
        protectedResourceArns: ["*"],
        iamRoleArn: role.arn,
        validationWindowHours: 1,
      });
    }
  }
}

function kindsOf({ environment, roles }: Topology): { name: string; type: string }[] {
  const hasVolumes = Object.keys(environment.roles).some((role) => isStateful(roles[role]!));
  return [
    ...(hasVolumes ? [{ name: "volumes", type: "EBS" }] : []),
    ...(Object.keys(environment.databases).length > 0 ? [{ name: "databases", type: "RDS" }] : []),
  ];
}
