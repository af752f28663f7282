import { lookForDrift } from "../commands/drift.ts";
import type { LiveField } from "../commands/field.ts";
import { loadBalancerName } from "../config/names.ts";
import type { Site, Topology } from "../config/schema.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import { ec2Images } from "../edges/aws/images.ts";
import { ec2LiveServers } from "../edges/aws/live-servers.ts";
import { ssmParameters } from "../edges/aws/parameters.ts";
import { httpClients } from "../edges/clients.ts";
import type { Cloud } from "../edges/cloud.ts";
import { ssmShell } from "../edges/hosts/host-shell.ts";
import type { Sandbox } from "../edges/sandbox.ts";
import { assembleBoots } from "../gameday/boots.ts";
import type { Running } from "./shell.ts";
import { shellsOf } from "./shells.ts";

const patienceMs = 120_000;
/** Of each console: enough for a boot. */
const consoleLines = 60;

/** The edges to an environment whose servers have bodies in a sandbox. */
export function liveField(
  { environment }: Topology,
  sandbox: Sandbox,
  access: AwsAccess,
  cloud: Cloud,
  run: Running,
): LiveField {
  const { name, regions, rehearsal, roles } = environment;
  const clientsOf = (site: Site) =>
    httpClients(async () => {
      const wanted = loadBalancerName(name, site, rehearsal!.role);
      const listeners = await sandbox.listeners();
      return listeners.find((one) => one.loadBalancer === wanted && one.region === regions[site])?.address;
    }, rehearsal!);
  const servers = (region: string) => ec2LiveServers(access, region)(name);
  return {
    parameters: [regions.primary, regions.recovery].map((region) => ssmParameters(access, region)),
    shellOf: shellsOf(regions.primary, access),
    clients: rehearsal && { primary: clientsOf("primary"), recovery: clientsOf("recovery") },
    drift: (of) =>
      lookForDrift({
        environment: name,
        sources: new Map(Object.keys(roles).map((role) => [role, []])),
        regions: [{ region: regions.recovery, liveServers: async () => [...of] }],
        connect: (target) => {
          if (target.kind === "ssh") throw new Error("a rebuilt server is asked over SSM");
          const patience = { timeoutMs: patienceMs, signal: run.signal, clock: run.clock };
          return ssmShell(target.instance, target.region, access, patience);
        },
        jobs: 4,
      }),
    async boots(region) {
      const { catalog } = [cloud.primary, cloud.recovery].find((one) => one.region === region)!;
      const [live, reports] = await Promise.all([servers(region), catalog.reports()]);
      return assembleBoots(live, reports);
    },
    async consoles(region, boots) {
      const { console } = ec2Images(access, region);
      return await Promise.all(
        boots.map(async ({ instance, server }) => ({
          server,
          instance,
          lines: (await console(instance)).trimEnd().split("\n").slice(-consoleLines),
        })),
      );
    },
  };
}
