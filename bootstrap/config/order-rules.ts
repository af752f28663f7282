import type { Fault } from "../errors.ts";
import { nearest } from "./nearest.ts";
import type { Rule, Subject } from "./rule.ts";

export const orderRules: Rule[] = [
  {
    name: "there is a role",
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
    check: ({ topology, environmentFile }) =>
      Object.keys(topology.environment.databases)
        .filter((name) => topology.environment.roles[name] !== undefined)
        .map((name) => ({
          place: environmentFile.keyPlace(["databases"], name),
          message: `${JSON.stringify(name)} is a role and a database`,
          move: "rename one: servers find both by their names",
        })),
  },
  {
    name: "dependences exist",
    check: (subject) => {
      const { environment } = subject.topology;
      const known = [...Object.keys(environment.roles), ...Object.keys(environment.databases)];
      return Object.entries(environment.roles).flatMap(([role, { dependsOn }]) =>
        dependsOn.flatMap((name, index) =>
          unknownName(subject, ["roles", role, "dependsOn", index], name, known, "role or database"),
        ),
      );
    },
  },
  {
    name: "databases have clients that exist",
    check: (subject) =>
      Object.entries(subject.topology.environment.databases).flatMap(([database, { clients }]) =>
        clients.flatMap((name, index) =>
          unknownName(
            subject,
            ["databases", database, "clients", index],
            name,
            Object.keys(subject.topology.environment.roles),
            "role",
          ),
        ),
      ),
  },
  {
    name: "dependences have no cycle",
    check: ({ topology, environmentFile }) => {
      const cycle = findCycle(topology.environment.roles);
      if (cycle === undefined) return [];
      return [
        {
          place: environmentFile.place(["roles", cycle[0]!, "dependsOn"]),
          message: `roles depend on each other in a circle: ${cycle.join(" → ")}`,
          move: "remove one of these dependences",
        },
      ];
    },
  },
];

function unknownName(
  { environmentFile }: Subject,
  keys: PropertyKey[],
  name: string,
  known: string[],
  kind: string,
): Fault[] {
  if (known.includes(name)) return [];
  const meant = nearest(name, known);
  return [
    {
      place: environmentFile.place(keys),
      message: `${JSON.stringify(name)} is no ${kind} of this environment`,
      move:
        meant === undefined
          ? `name one of ${known.join(", ") || "none, since there are none"}`
          : `did you mean ${JSON.stringify(meant)}?`,
    },
  ];
}

/** The first cycle in the order of names, with its beginning repeated at its end. */
function findCycle(roles: Readonly<Record<string, { dependsOn: string[] }>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (role: string, path: string[]): string[] | undefined => {
    if (path.includes(role)) return [...path.slice(path.indexOf(role)), role];
    if (done.has(role)) return undefined;
    for (const next of roles[role]?.dependsOn ?? []) {
      const cycle = visit(next, [...path, role]);
      if (cycle !== undefined) return cycle;
    }
    done.add(role);
    return undefined;
  };
  for (const role of Object.keys(roles)) {
    const cycle = visit(role, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
