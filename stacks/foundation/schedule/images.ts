import { DlmLifecyclePolicy } from "@cdktf/provider-aws/lib/dlm-lifecycle-policy/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js";
import { Construct } from "constructs";
import { scheduled, tags } from "../../../bootstrap/config/names.ts";
import type { Schedule } from "../../../bootstrap/config/schedule-schema.ts";
import type { Environment } from "../../../bootstrap/config/schema.ts";
import { assumedFor } from "../policies.ts";
import type { ScheduledSite } from "./schedule.ts";

/**
 * Images of servers that can't be baked, by Data Lifecycle Manager, in their own region. It does not copy them: for
 * images DLM's interface wants a `TargetRegion`, which this version of Terraform's provider can't say. The same
 * instances reach the other region through AWS Backup's copies, or by `rekindle image`.
 */
export class ImageSchedule extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      environment,
      images,
      primary: { provider },
    }: { environment: Environment; images: NonNullable<Schedule["images"]>; primary: ScheduledSite },
  ) {
    super(scope, id);
    const role = new IamRole(this, "role", {
      provider,
      name: scheduled(environment.name, "images"),
      assumeRolePolicy: JSON.stringify(assumedFor("dlm.amazonaws.com", environment.account)),
    });
    const attachment = new IamRolePolicyAttachment(this, "access", {
      provider,
      role: role.name,
      policyArn: "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRoleForAMIManagement",
    });
    new DlmLifecyclePolicy(this, "policy", {
      provider,
      description: `Images of ${environment.name} servers that cannot be baked`,
      executionRoleArn: role.arn,
      state: "ENABLED",
      policyDetails: {
        policyType: "IMAGE_MANAGEMENT",
        resourceTypes: ["INSTANCE"],
        // Any of several tags would do, so there is one that says it all.
        targetTags: { [tags.image]: environment.name },
        parameters: { noReboot: !images.reboot },
        schedule: [
          {
            name: "by-the-clock",
            createRule: { cronExpression: images.at },
            retainRule: { count: images.keep },
            copyTags: true,
          },
        ],
      },
      dependsOn: [attachment],
    });
  }
}
