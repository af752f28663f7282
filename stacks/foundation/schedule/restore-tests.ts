import { BackupRestoreTestingPlan } from "@cdktf/provider-aws/lib/backup-restore-testing-plan/index.js";
import { BackupRestoreTestingSelection } from "@cdktf/provider-aws/lib/backup-restore-testing-selection/index.js";
import { Construct } from "constructs";
import { isCluster } from "../../../bootstrap/config/databases.ts";
import { restoreTests } from "../../../bootstrap/config/names.ts";
import type { Schedule } from "../../../bootstrap/config/schedule-schema.ts";
import type { Topology } from "../../../bootstrap/config/schema.ts";
import { isStateful } from "../../../bootstrap/config/servers.ts";
import type { BackupRole } from "./backups.ts";
import type { ScheduledSite } from "./scheduled-site.ts";

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

/** AWS Backup counts Aurora's clusters as a kind apart from RDS. */
function kindsOf({ environment, roles }: Topology): { name: string; type: string }[] {
  const hasVolumes = Object.keys(environment.roles).some((role) => isStateful(roles[role]!));
  const databases = Object.values(environment.databases);
  return [
    ...(hasVolumes ? [{ name: "volumes", type: "EBS" }] : []),
    ...(databases.some((one) => !isCluster(one)) ? [{ name: "databases", type: "RDS" }] : []),
    ...(databases.some(isCluster) ? [{ name: "clusters", type: "Aurora" }] : []),
  ];
}
