import { renderUserData } from "../../cloud-init/user-data.ts";
import { instanceProfile } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { securityGroupName } from "../config/security.ts";
import { fixedServers, isFleet } from "../config/servers.ts";
import { userDataVariables } from "../config/user-data.ts";
import { type Check, check, describeKey } from "./check.ts";
import type { Observed, ObservedServer, ObservedVolume } from "./observed.ts";
import type { Pins } from "./pins.ts";

/** One server that is there, and what it should be. */
interface Subject {
  topology: Topology;
  pins: Pins;
  role: string;
  /** A fleet's server has no name but its instance's id. */
  name: string;
  server: ObservedServer;
}

/** Every server of every role, and none beside them. */
export function verifyServers(topology: Topology, pins: Pins, { servers }: Observed): Check[] {
  const { roles } = topology.environment;
  const strangers = servers.filter(({ role }) => roles[role] === undefined);
  return [
    ...Object.keys(roles).flatMap((role) =>
      verifyRole(
        topology,
        pins,
        role,
        servers.filter((server) => server.role === role),
      ),
    ),
    check(
      "servers of no known role",
      "none",
      strangers.map(({ instanceId }) => instanceId).join(", ") || "none",
    ),
  ];
}

function verifyRole(
  topology: Topology,
  pins: Pins,
  role: string,
  servers: readonly ObservedServer[],
): Check[] {
  const counted = check(`servers of ${role}`, topology.environment.roles[role]!.count, servers.length);
  // A check of its own says that the plan knows no such role.
  if (pins.roles[role] === undefined) return [counted];
  const shared = { topology, pins, role };
  // The instance profile of a fleet is not looked at: the emulator's Auto Scaling groups give their instances none.
  if (isFleet(topology.roles[role]!))
    return [
      counted,
      ...servers.flatMap((server) => verifyServer({ ...shared, name: server.instanceId, server })),
    ];
  const fixed = fixedServers(topology, pins.site).filter((server) => server.role === role);
  return [
    counted,
    ...fixed.flatMap(({ name, privateAddress }) => {
      const server = servers.find((candidate) => candidate.server === name);
      if (server === undefined) return [check(`server ${name}`, "running", "not there")];
      const profile = instanceProfile(topology.environment.name, role);
      return [
        ...verifyServer({ ...shared, name, server }),
        check(`address of ${name}`, privateAddress, server.privateAddress),
        check(`instance profile of ${name}`, profile, server.instanceProfile),
      ];
    }),
  ];
}

function verifyServer(subject: Subject): Check[] {
  const { topology, pins, role, name, server } = subject;
  const { imageId, userData } = pins.roles[role]!;
  const serverName = isFleet(topology.roles[role]!) ? role : name;
  const expected = renderUserData(userData, userDataVariables(topology, pins, { role, server: serverName }));
  return [
    check(`image of ${name}`, imageId, server.imageId),
    check(`type of ${name}`, topology.environment.roles[role]!.instanceType, server.instanceType),
    {
      name: `user-data of ${name}`,
      passed: server.userData === expected && expected.includes(pins.manifest.sha256),
      expected: `pins release ${pins.release.release} at manifest ${pins.manifest.sha256.slice(0, 12)}`,
      found:
        server.userData === expected
          ? `pins release ${pins.release.release}`
          : "differs from the rendered templates",
    },
    check(
      `security groups of ${name}`,
      securityGroupName(topology.environment.name, pins.site, `role/${role}`),
      server.securityGroups.join(", ") || "none",
    ),
    ...verifyVolumes(subject),
  ];
}

function verifyVolumes({ topology, pins, role, name, server }: Subject): Check[] {
  const { image, volumes } = topology.roles[role]!;
  const at = (device: string) => server.volumes.find((candidate) => candidate.device === device);
  const root = at(server.rootDevice);
  const known = [server.rootDevice, ...volumes.map(({ device }) => device)];
  const unknown = server.volumes.filter(({ device }) => !known.includes(device));
  return [
    // Its snapshot is the image's own business.
    check(
      `root volume of ${name}`,
      // A taken image's size is its own too, unless the role names one.
      describeVolume(image.rootVolumeGiB ?? root?.sizeGiB ?? 0, "gp3", pins.encryptionKey),
      root === undefined ? "not attached" : describeFound(root),
    ),
    ...volumes.map((volume) => {
      const pin = pins.volumes[name]?.find((candidate) => candidate.name === volume.name);
      const found = at(volume.device);
      const from = (snapshot: string | undefined) => `${volume.device} from ${snapshot || "no snapshot"}`;
      return check(
        `volume ${volume.name} of ${name}`,
        `${from(pin?.snapshotId)}, ${describeVolume(pin?.sizeGiB ?? volume.sizeGiB, volume.type, pins.encryptionKey)}`,
        found === undefined ? "not attached" : `${from(found.snapshotId)}, ${describeFound(found)}`,
      );
    }),
    check(
      `volumes of ${name} that no role describes`,
      "none",
      unknown.map(({ device }) => device).join(", ") || "none",
    ),
  ];
}

function describeFound({ sizeGiB, type, encrypted, keyArn }: ObservedVolume): string {
  return describeVolume(sizeGiB, type, encrypted ? keyArn : "");
}

function describeVolume(sizeGiB: number, type: string, keyArn: string): string {
  return `${sizeGiB} GiB ${type}, ${describeKey(keyArn)}`;
}
