import type { Fault } from "../errors.ts";
import { replicaOf } from "./quiesce.ts";
import type { RoleRule, Rule, Subject } from "./rule.ts";
import { fixedServers, isStateful } from "./servers.ts";

export const quiesceRoleRules: RoleRule[] = [
  {
    name: "what is made quiet has volumes",
    check: ({ quiesce, volumes }) =>
      quiesce === undefined || volumes.length > 0
        ? []
        : [{ keys: ["quiesce"], message: "quiesce without volumes", move: "list the volumes, or remove it" }],
  },
];

export const quiesceRules: Rule[] = [
  {
    name: "nothing is left unfrozen unless crash consistency is allowed",
    needs: ["name", "roles"],
    check: ({ topology, roleFiles }) =>
      topology.environment.consistency?.allowCrash
        ? []
        : faultsOf(roleFiles, topology, (name) =>
            topology.roles[name]?.quiesce?.kind === "none"
              ? {
                  key: "kind",
                  message: `quiesce.kind is none, and environment ${topology.environment.name} does not allow crash consistency`,
                  move: "choose filesystem, or set consistency.allowCrash in the environment",
                }
              : undefined,
          ),
  },
  {
    name: "replicas are servers with the same volumes",
    needs: ["roles", "network"],
    check: ({ topology, roleFiles }) => faultsOf(roleFiles, topology, (name) => replicaFault(topology, name)),
  },
];

interface Misfit {
  key: string;
  message: string;
  move: string;
}

function faultsOf(
  roleFiles: Subject["roleFiles"],
  { roles }: Subject["topology"],
  look: (name: string) => Misfit | undefined,
): Fault[] {
  return Object.keys(roles).flatMap((name) => {
    const misfit = look(name);
    if (misfit === undefined) return [];
    const { key, message, move } = misfit;
    return [{ place: roleFiles[name]!.place(["quiesce", key]), message, move }];
  });
}

function replicaFault(topology: Subject["topology"], name: string): Misfit | undefined {
  const own = topology.roles[name]!;
  const replica = replicaOf(own);
  if (replica === undefined) return undefined;
  // A role with faults of its own is not there, and its servers can't be counted.
  if (Object.keys(topology.environment.roles).some((role) => topology.roles[role] === undefined))
    return undefined;
  const servers = fixedServers(topology, "primary");
  const found = servers.find((server) => server.name === replica);
  const message = `quiesce.replica is ${JSON.stringify(replica)}`;
  if (found === undefined) {
    const stateful = servers.filter(({ role }) => isStateful(topology.roles[role]!));
    const move = `name one of ${stateful.map((server) => server.name).join(", ")}`;
    return { key: "replica", message: `${message}, which is no server of the environment`, move };
  }
  const there = topology.roles[found.role]!.volumes.map((volume) => volume.name);
  const missing = own.volumes.find((volume) => !there.includes(volume.name));
  if (missing === undefined) return undefined;
  return {
    key: "replica",
    message: `${message}, and role ${found.role} has no volume ${missing.name}`,
    move: `give it the volumes of ${name}, by the same names`,
  };
}
