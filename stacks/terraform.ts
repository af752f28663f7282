import { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3Backend, type TerraformStack } from "cdktf";
import { stateBucket, tags } from "../bootstrap/config/names.ts";
import type { Place } from "../bootstrap/config/places.ts";
import type { Environment, Site } from "../bootstrap/config/schema.ts";
import { regionOf } from "../bootstrap/config/servers.ts";

/** State is kept in the recovery region, for on the day it must be read and written there. */
export function keepState(stack: TerraformStack, environment: Environment): void {
  const { account, name, regions } = environment;
  new S3Backend(stack, {
    bucket: stateBucket(name, account, regions.recovery),
    key: `${stack.node.id}.tfstate`,
    region: regions.recovery,
    encrypt: true,
    usePathStyle: true,
  });
  // S3's own locking, which cdktf has no typed property for; the reason for Terraform 1.10.
  stack.addOverride("terraform.backend.s3.use_lockfile", true);
  stack.addOverride("terraform.required_version", ">= 1.10");
  // The version that the bindings were generated from, so that an apply of next year is the one of today.
  stack.addOverride("terraform.required_providers.aws.version", "5.100.0");
}

/**
 * The provider for one site, in its own region or in the one where its plan has it rebuilt. It refuses another account, and tags whatever it makes, so that
 * what is left over can be found by tag. Endpoints come from the environment: AWS or the sandbox.
 */
export function siteProvider(
  stack: TerraformStack,
  environment: Environment,
  site: Site,
  options: { alias?: string; region?: string } = {},
): AwsProvider {
  return new AwsProvider(stack, `aws-${site}`, {
    region: regionOf(environment, site),
    ...options,
    allowedAccountIds: [environment.account],
    s3UsePathStyle: true,
    defaultTags: [{ tags: { [tags.environment]: environment.name, [tags.site]: site } }],
  });
}

/** The provider for a place that has copies and nothing else: a further region, or another account's vault. */
export function placeProvider(
  stack: TerraformStack,
  environment: Environment,
  { account, region, role }: Place,
  alias: string,
): AwsProvider {
  return new AwsProvider(stack, `aws-${alias}`, {
    alias,
    region,
    ...(role === undefined ? {} : { assumeRole: [{ roleArn: role, sessionName: "rekindle" }] }),
    allowedAccountIds: [account],
    s3UsePathStyle: true,
    defaultTags: [{ tags: { [tags.environment]: environment.name } }],
  });
}
