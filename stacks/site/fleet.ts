import { createHash } from "node:crypto";
import {
  AutoscalingGroup,
  type AutoscalingGroupTag,
} from "@cdktf/provider-aws/lib/autoscaling-group/index.js";
import { DataAwsAmi } from "@cdktf/provider-aws/lib/data-aws-ami/index.js";
import { LaunchTemplate } from "@cdktf/provider-aws/lib/launch-template/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { instanceProfile, loadBalancerName } from "../../bootstrap/config/names.ts";
import { FleetLoadBalancer } from "./load-balancer.ts";
import type { Network } from "./network.ts";
import type { SecurityGroups } from "./security-groups.ts";
import { rootSize, type ServerProfile, serverProfile } from "./server.ts";
import type { SiteProps } from "./site.ts";

/** The servers of a role behind a load balancer: an Auto Scaling group that holds its count across the zones. */
export class Fleet extends Construct {
  readonly ready: ITerraformDependable[];
  /** DNS name of the load balancer. */
  readonly address: string;

  constructor(
    scope: Construct,
    id: string,
    props: SiteProps & {
      role: string;
      network: Network;
      securityGroups: SecurityGroups;
      after: ITerraformDependable[];
    },
  ) {
    super(scope, id);
    const { topology, pins, role, network, after } = props;
    const { environment } = topology;
    const profile = serverProfile(props, role, role);
    const loadBalancer = new FleetLoadBalancer(this, "load-balancer", props);
    const name = `${loadBalancerName(environment.name, pins.site, role)}-${digestOf(profile)}`;
    const template = launchTemplate(this, { ...props, name, profile });
    const { count } = environment.roles[role]!;
    const group = new AutoscalingGroup(this, "group", {
      // Another image or release is another group. It comes after the old one has gone: "create before destroy" would
      // be handed on to all that the group waits for, and a fixed server cannot be there twice at its address.
      name,
      minSize: count,
      maxSize: count,
      desiredCapacity: count,
      vpcZoneIdentifier: network.privateSubnetIds,
      launchTemplate: { id: template.id, version: template.latestVersion.toString() },
      targetGroupArns: [loadBalancer.targetGroupArn],
      healthCheckType: "ELB",
      healthCheckGracePeriod: 300,
      minElbCapacity: count,
      waitForCapacityTimeout: "15m",
      tag: groupTags(profile),
      dependsOn: [...after, loadBalancer.listener],
    });
    this.ready = [group];
    this.address = loadBalancer.address;
  }
}

/**
 * What Auto Scaling launches from. It has its content in its address as well as in its name: another content is
 * another template, and none is ever changed in place.
 */
function launchTemplate(
  scope: Construct,
  {
    topology,
    pins,
    role,
    securityGroups,
    name,
    profile,
  }: SiteProps & { role: string; securityGroups: SecurityGroups; name: string; profile: ServerProfile },
): LaunchTemplate {
  // The one look-up of a site, in its own region: only the image knows what its root device is called.
  const image = new DataAwsAmi(scope, "image", {
    filter: [{ name: "image-id", values: [profile.imageId] }],
    includeDeprecated: true,
  });
  return new LaunchTemplate(scope, `template-${digestOf(profile)}`, {
    name,
    imageId: profile.imageId,
    instanceType: profile.instanceType,
    userData: profile.userDataBase64,
    iamInstanceProfile: { name: instanceProfile(topology.environment.name, role) },
    vpcSecurityGroupIds: [securityGroups.role(role)],
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      {
        deviceName: image.rootDeviceName,
        ebs: {
          ...rootSize(topology.roles[role]!),
          volumeType: "gp3",
          encrypted: "true",
          kmsKeyId: pins.encryptionKey,
          deleteOnTermination: "true",
        },
      },
    ],
    // Default tags of the provider do not reach what Auto Scaling launches.
    tagSpecifications: ["instance", "volume"].map((resourceType) => ({ resourceType, tags: profile.tags })),
    updateDefaultVersion: true,
    // The emulator reads the template's own tags back as one more specification.
    lifecycle: { ignoreChanges: ["tag_specifications"] },
  });
}

/** Default tags of the provider do not reach the group itself; its servers have theirs from the template. */
function groupTags(profile: ServerProfile): AutoscalingGroupTag[] {
  return Object.entries(profile.tags).map(([key, value]) => ({ key, value, propagateAtLaunch: false }));
}

/** Changes with whatever a running server cannot take on. */
function digestOf(profile: ServerProfile): string {
  return createHash("sha256").update(JSON.stringify(profile)).digest("hex").slice(0, 8);
}
