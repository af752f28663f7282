import { renderUserData } from "../../cloud-init/user-data.ts";
import { instanceProfile } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { securityGroupName } from "../config/security.ts";
import { fixedServers, isFleet } from "../config/servers.ts";
import { userDataVariables } from "../config/user-data.ts";
import { type Check, check, describeKey } from "./check.ts";
import type { Observed, ObservedServer, ObservedVolume } from "./observed.ts";
import type { Pins } from "./pins.ts";

/** Every server of every role, and none beside them. */
export function verifyServers(topology: Topology, pins: Pins, observed: Observed): Check[] {
  const fixed = fixedServers(topology, pins.site);
  const checks: Check[] = [];
  for (const [role, { count }] of Object.entries(topology.environment.roles)) {
    const servers = observed.servers.filter((server) => server.role === role);
    checks.push(check(`servers of ${role}`, count, servers.length));
    // A check of its own says that the plan knows no such role.
    if (pins.roles[role] === undefined) continue;
    const names = isFleet(topology.roles[role]!) ? undefined : fixed.filter((server) => server.role === role);
    if (names === undefined) {
      // Their instance profile is not looked at: the emulator's Auto Scaling groups give their instances none.
      for (const server of servers)
        checks.push(...verifyServer(topology, pins, server.instanceId, role, server));
      continue;
    }
    for (const { name, privateAddress } of names) {
      const server = servers.find((candidate) => candidate.server === name);
      if (server === undefined) {
        checks.push(check(`server ${name}`, "running", "not there"));
        continue;
      }
      checks.push(
        ...verifyServer(topology, pins, name, role, server),
        check(`address of ${name}`, privateAddress, server.privateAddress),
        check(
          `instance profile of ${name}`,
          instanceProfile(topology.environment.name, role),
          server.instanceProfile,
        ),
      );
    }
  }
  const strangers = observed.servers.filter(({ role }) => topology.environment.roles[role] === undefined);
  checks.push(
    check(
      "servers of no known role",
      "none",
      strangers.map(({ instanceId }) => instanceId).join(", ") || "none",
    ),
  );
  return checks;
}

function verifyServer(
  topology: Topology,
  pins: Pins,
  name: string,
  role: string,
  server: ObservedServer,
): Check[] {
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
    ...verifyVolumes(topology, pins, name, role, server),
  ];
}

function verifyVolumes(
  topology: Topology,
  pins: Pins,
  name: string,
  role: string,
  server: ObservedServer,
): Check[] {
  const { image, volumes } = topology.roles[role]!;
  const at = (device: string) => server.volumes.find((candidate) => candidate.device === device);
  const root = at(server.rootDevice);
  const known = [server.rootDevice, ...volumes.map(({ device }) => device)];
  const unknown = server.volumes.filter(({ device }) => !known.includes(device));
  return [
    // Its snapshot is the image's own business.
    check(
      `root volume of ${name}`,
      describeVolume(image.rootVolumeGiB, "gp3", pins.encryptionKey),
      root === undefined ? "not attached" : describeFound(root),
    ),
    ...volumes.map((volume) => {
      const pin = pins.volumes[name]?.find((candidate) => candidate.name === volume.name);
      const found = at(volume.device);
      const from = (snapshot: string | undefined) => `${volume.device} from ${snapshot || "no snapshot"}`;
      return check(
        `volume ${volume.name} of ${name}`,
        `${from(pin?.snapshotId)}, ${describeVolume(volume.sizeGiB, volume.type, pins.encryptionKey)}`,
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
