import type { Fault } from "../errors.ts";
import { nearest } from "./nearest.ts";
import type { Rule } from "./rule.ts";
import type { YamlFile } from "./yaml-file.ts";

export const orderRules: Rule[] = [
  {
    name: "there is a role",
    needs: ["roles"],
    check: (subject) =>
      Object.keys(subject.topology.environment.roles).length > 0
        ? []
        : [
            {
              place: subject.environmentFile.place(["roles"]),
              message: "roles is empty",
              move: "name at least one role",
            },
          ],
  },
  {
    name: "roles and databases have names of their own",
    needs: ["roles", "databases"],
    check: ({ topology, environmentFile }) =>
      Object.keys(topology.environment.databases)
        .filter((name) => Object.hasOwn(topology.environment.roles, name))
        .map((name) => ({
          place: environmentFile.keyPlace(["databases"], name),
          message: `${JSON.stringify(name)} is a role and a database`,
          move: "rename one: servers find both by their names",
        })),
  },
  {
    name: "databases have names that no server has",
    needs: ["roles", "databases"],
    check: ({ topology: { environment }, environmentFile }) => {
      const servers = Object.entries(environment.roles).flatMap(([role, { count }]) =>
        Array.from({ length: count }, (_, index) => `${role}-${index}`),
      );
      return Object.keys(environment.databases)
        .filter((name) => servers.includes(name))
        .map((name) => ({
          place: environmentFile.keyPlace(["databases"], name),
          message: `${JSON.stringify(name)} is a database and a server`,
          move: "rename the database: recovery points find both by their names",
        }));
    },
  },
  {
    name: "dependences exist",
    needs: ["roles", "databases"],
    check: ({ topology: { environment }, environmentFile }) => {
      const known = [...Object.keys(environment.roles), ...Object.keys(environment.databases)];
      return Object.entries(environment.roles).flatMap(([role, { dependsOn }]) =>
        dependsOn.flatMap((name, index) =>
          unknownName(environmentFile, ["roles", role, "dependsOn", index], name, known, "role or database"),
        ),
      );
    },
  },
  {
    name: "a rehearsal enters through a load balancer",
    needs: ["roles", "rehearsal"],
    check: ({ topology: { environment, roles }, environmentFile }) => {
      if (environment.rehearsal === undefined) return [];
      const { role } = environment.rehearsal;
      const keys = ["rehearsal", "role"];
      if (!Object.hasOwn(environment.roles, role))
        return unknownName(environmentFile, keys, role, Object.keys(environment.roles), "role");
      // A role with faults of its own is not there.
      if (roles[role] === undefined || roles[role].loadBalancer !== undefined) return [];
      return [
        {
          place: environmentFile.place(keys),
          message: `role ${role} has no load balancer that clients could use`,
          move: "name a role that has one",
        },
      ];
    },
  },
  {
    name: "databases have clients that exist",
    needs: ["roles", "databases"],
    check: ({ topology: { environment }, environmentFile }) =>
      Object.entries(environment.databases).flatMap(([database, { clients }]) =>
        clients.flatMap((name, index) =>
          unknownName(
            environmentFile,
            ["databases", database, "clients", index],
            name,
            Object.keys(environment.roles),
            "role",
          ),
        ),
      ),
  },
  {
    name: "dependences have no cycle",
    needs: ["roles"],
    check: ({ topology: { environment }, environmentFile }) =>
      findCycles(environment.roles).map((cycle) => ({
        place: environmentFile.place([
          "roles",
          cycle[0]!,
          "dependsOn",
          environment.roles[cycle[0]!]!.dependsOn.indexOf(cycle[1]!),
        ]),
        message: `roles depend on each other in a circle: ${cycle.join(" → ")}`,
        move: "remove one of these dependences",
      })),
  },
  {
    name: "listeners admit roles that exist",
    needs: ["roles"],
    check: ({ topology: { environment, roles }, roleFiles }) =>
      Object.entries(roles).flatMap(([role, { listens }]) =>
        listens.flatMap(({ from }, index) =>
          from.flatMap((client, position) =>
            unknownName(
              roleFiles[role]!,
              ["listens", index, "from", position],
              client,
              Object.keys(environment.roles),
              "role",
            ),
          ),
        ),
      ),
  },
];

function unknownName(
  file: YamlFile,
  keys: PropertyKey[],
  name: string,
  known: string[],
  kind: string,
): Fault[] {
  if (known.includes(name)) return [];
  const meant = nearest(name, known);
  return [
    {
      place: file.place(keys),
      message: `unknown ${kind} ${JSON.stringify(name)}`,
      move:
        meant === undefined
          ? `name one of ${known.join(", ") || "none, since there are none"}`
          : `did you mean ${JSON.stringify(meant)}?`,
    },
  ];
}

/** Cycles in the order of names, each with its beginning repeated at its end; no role is in two of them. */
function findCycles(roles: Readonly<Record<string, { dependsOn: string[] }>>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (role: string, path: string[]): void => {
    if (done.has(role) || !Object.hasOwn(roles, role)) return;
    if (path.includes(role)) {
      const cycle = path.slice(path.indexOf(role));
      for (const member of cycle) done.add(member);
      cycles.push([...cycle, role]);
      return;
    }
    for (const next of roles[role]!.dependsOn) visit(next, [...path, role]);
    done.add(role);
  };
  for (const role of Object.keys(roles)) visit(role, []);
  return cycles;
}
