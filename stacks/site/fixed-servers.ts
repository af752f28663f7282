import {
  Instance,
  type InstanceConfig,
  type InstanceEbsBlockDevice,
} from "@cdktf/provider-aws/lib/instance/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { instanceProfile, tags } from "../../bootstrap/config/names.ts";
import type { Role } from "../../bootstrap/config/schema.ts";
import { type FixedServer, isStateful } from "../../bootstrap/config/servers.ts";
import type { VolumePin } from "../../bootstrap/recovery/pins.ts";
import { TerraformData } from "../terraform-data.ts";
import type { Network } from "./network.ts";
import type { SecurityGroups } from "./security-groups.ts";
import { rootSize, type ServerProfile, serverProfile } from "./server.ts";
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
    const vpcSecurityGroupIds = [securityGroups.role(props.role)];
    this.ready = props.servers.map((server) => {
      const profile = serverProfile(props, props.role, server.name);
      return new Instance(this, server.name, {
        ami: profile.imageId,
        instanceType: profile.instanceType,
        subnetId: network.privateSubnetId(server.zone),
        privateIp: server.privateAddress,
        vpcSecurityGroupIds,
        iamInstanceProfile,
        userDataBase64: profile.userDataBase64,
        tags: profile.tags,
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
          ...rootSize(role),
          volumeType: "gp3",
          encrypted: true,
          kmsKeyId: pins.encryptionKey,
          deleteOnTermination: true,
          tags: volumeTags(profile, "root"),
        },
        ebsBlockDevice: dataVolumes(props, server, profile),
        dependsOn: after,
        ...replacement(this, server, role, pins.volumes[server.name] ?? []),
      });
    });
  }
}

/**
 * A server whose data is only on its volumes is never replaced by a deployment: a new image or release would come
 * with empty ones. One that was restored is replaced as a whole when another plan is asked for, as is one without
 * data; and data volumes outlive their server in any case. What is attached to a server that runs is nobody's to
 * correct: `rekindle restore volume` puts other volumes there.
 */
function replacement(
  scope: Construct,
  { name }: FixedServer,
  role: Role,
  volumes: readonly VolumePin[],
): Partial<InstanceConfig> {
  if (!isStateful(role)) return { userDataReplaceOnChange: true, lifecycle: { ignoreChanges: groups } };
  const snapshots = volumes.flatMap(({ snapshotId }) => snapshotId ?? []);
  if (snapshots.length === 0)
    return {
      userDataReplaceOnChange: false,
      lifecycle: { ignoreChanges: [...groups, dataDevices, ...whatItBootedFrom] },
    };
  const data = new TerraformData(scope, `${name}-data`, { triggersReplace: snapshots });
  return {
    userDataReplaceOnChange: true,
    lifecycle: { ignoreChanges: [...groups, dataDevices], replaceTriggeredBy: [data.address] },
  };
}

/** Its role's group is a server's only one for life, and the emulator does not report it with a fixed address. */
const groups = ["vpc_security_group_ids"];

const dataDevices = "ebs_block_device";

/** The tags go with the image and the release, so that they say what runs and not what would. */
const whatItBootedFrom = [
  "ami",
  "user_data_base64",
  `tags["${tags.recipe}"]`,
  `tags["${tags.release}"]`,
  `tags["${tags.userData}"]`,
];

function dataVolumes(
  { topology, pins, role }: SiteProps & { role: string },
  server: FixedServer,
  profile: ServerProfile,
): InstanceEbsBlockDevice[] {
  return topology.roles[role]!.volumes.map((volume) => {
    const { snapshotId, sizeGiB = volume.sizeGiB } =
      pins.volumes[server.name]?.find(({ name }) => name === volume.name) ?? {};
    return {
      deviceName: volume.device,
      ...(snapshotId === undefined ? {} : { snapshotId }),
      volumeSize: sizeGiB,
      volumeType: volume.type,
      ...performance(volume),
      encrypted: true,
      kmsKeyId: pins.encryptionKey,
      deleteOnTermination: false,
      tags: { ...volumeTags(profile, volume.name), [tags.volume]: volume.name },
    };
  });
}

/** A volume outlives the release and the image that its server booted from. */
function volumeTags({ tags: of }: ServerProfile, volume: string): Record<string, string> {
  const { [tags.release]: _release, [tags.recipe]: _recipe, [tags.userData]: _userData, ...lasting } = of;
  return { ...lasting, Name: `${of.Name}-${volume}` };
}

function performance({ iops, throughputMiBps }: Role["volumes"][number]): Partial<InstanceEbsBlockDevice> {
  return {
    ...(iops === undefined ? {} : { iops }),
    ...(throughputMiBps === undefined ? {} : { throughput: throughputMiBps }),
  };
}
