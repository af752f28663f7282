import { type ITerraformDependable, TerraformResource } from "cdktf";
import type { Construct } from "constructs";

/**
 * Terraform's built-in resource that is nothing in the cloud: a point in the order, or a check.
 * cdktf's own class for it asks `terraform version` once for each at synthesis, a second for an environment.
 */
export class TerraformData extends TerraformResource {
  /** In `replaceTriggeredBy`, where Terraform takes no `${…}`, which cdktf would write. */
  get address(): string {
    return `terraform_data.${this.friendlyUniqueId}`;
  }

  constructor(
    scope: Construct,
    id: string,
    options: {
      dependsOn?: ITerraformDependable[];
      /** What names it in `replaceTriggeredBy` is replaced when this changes. */
      triggersReplace?: readonly string[];
    } = {},
  ) {
    super(scope, id, { terraformResourceType: "terraform_data", dependsOn: options.dependsOn ?? [] });
    if (options.triggersReplace !== undefined) this.addOverride("triggers_replace", options.triggersReplace);
  }
}
