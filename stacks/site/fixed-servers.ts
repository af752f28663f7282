import {
  Instance,
  type InstanceConfig,
  type InstanceEbsBlockDevice,
} from "@cdktf/provider-aws/lib/instance/index.js";
import { NetworkInterface } from "@cdktf/provider-aws/lib/network-interface/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { instanceProfile, tags } from "../../bootstrap/config/names.ts";
import type { Role } from "../../bootstrap/config/schema.ts";
import { type FixedServer, isStateful } from "../../bootstrap/config/servers.ts";
import type { Network } from "./network.ts";
import type { SecurityGroups } from "./security-groups.ts";
import { serverProfile } from "./server.ts";
import type { SiteProps } from "./site.ts";

/** The servers of a role without a load balancer, each at its own address, its data volumes attached at launch. */
export class FixedServers extends Construct {
  readonly ready: ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    props: SiteProps & {
      role: string;
      servers: readonly FixedServer[];
      network: Network;
      securityGroups: SecurityGroups;
      after: ITerraformDependable[];
    },
  ) {
    super(scope, id);
    const { topology, pins, network, securityGroups, after } = props;
    const role = topology.roles[props.role]!;
    const iamInstanceProfile = instanceProfile(topology.environment.name, props.role);
    const securityGroupIds = [securityGroups.role(props.role)];
    this.ready = props.servers.map((server) => {
      const profile = serverProfile(props, props.role, server.name);
      // The address and its groups belong to an interface of their own, so that they outlive the server.
      const address = new NetworkInterface(this, `${server.name}-address`, {
        subnetId: network.privateSubnetId(server.zone),
        privateIps: [server.privateAddress],
        securityGroups: securityGroupIds,
        tags: profile.tags,
      });
      return new Instance(this, server.name, {
        ami: profile.imageId,
        instanceType: profile.instanceType,
        networkInterface: [{ networkInterfaceId: address.id, deviceIndex: 0 }],
        iamInstanceProfile,
        userDataBase64: profile.userDataBase64,
        tags: profile.tags,
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
          volumeSize: role.image.rootVolumeGiB,
          volumeType: "gp3",
          encrypted: true,
          kmsKeyId: pins.encryptionKey,
          deleteOnTermination: true,
          tags: { ...profile.tags, Name: `${profile.tags.Name}-root` },
        },
        ebsBlockDevice: dataVolumes(props, server, profile.tags),
        dependsOn: after,
        ...(isStateful(role) ? keepsItsData : startsAfresh),
      });
    });
  }
}

/**
 * A deployment never replaces a server with data: a new image reaches it only with other data, by a rebuild from a
 * recovery point; a new release stops and starts it. Its volumes outlive it in any case.
 */
const keepsItsData: Partial<InstanceConfig> = {
  userDataReplaceOnChange: false,
  lifecycle: { ignoreChanges: ["ami", `tags["${tags.recipe}"]`] },
};

/** A server without data is replaced by one that booted from the new image and release. */
const startsAfresh: Partial<InstanceConfig> = { userDataReplaceOnChange: true };

function dataVolumes(
  { topology, pins, role }: SiteProps & { role: string },
  server: FixedServer,
  serverTags: Record<string, string>,
): InstanceEbsBlockDevice[] {
  return topology.roles[role]!.volumes.map((volume) => {
    const snapshotId = pins.volumes[server.name]?.find(({ name }) => name === volume.name)?.snapshotId;
    return {
      deviceName: volume.device,
      ...(snapshotId === undefined ? {} : { snapshotId }),
      volumeSize: volume.sizeGiB,
      volumeType: volume.type,
      ...performance(volume),
      encrypted: true,
      kmsKeyId: pins.encryptionKey,
      deleteOnTermination: false,
      tags: { ...serverTags, Name: `${serverTags.Name}-${volume.name}`, [tags.volume]: volume.name },
    };
  });
}

function performance({ iops, throughputMiBps }: Role["volumes"][number]): Partial<InstanceEbsBlockDevice> {
  return {
    ...(iops === undefined ? {} : { iops }),
    ...(throughputMiBps === undefined ? {} : { throughput: throughputMiBps }),
  };
}
