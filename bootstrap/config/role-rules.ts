import type { Fault } from "../errors.ts";
import { parseCidr } from "./cidr.ts";
import { durationSeconds } from "./duration.ts";
import { builderProfile, instanceProfile, loadBalancerName } from "./names.ts";
import { nearest } from "./nearest.ts";
import type { Rule, Subject } from "./rule.ts";
import type { Role, Site } from "./schema.ts";
import { firstHost, fixedServers, isFleet } from "./servers.ts";

type Found = { keys: PropertyKey[]; message: string; move: string };

export const roleRules: Rule[] = [
  {
    name: "a role with a load balancer is stateless",
    check: eachRole(({ loadBalancer, volumes }) =>
      loadBalancer === undefined || volumes.length === 0
        ? []
        : [
            {
              keys: ["volumes"],
              message: "a role with a load balancer has volumes, and its servers come and go",
              move: "keep the data in another role or a database",
            },
          ],
    ),
  },
  {
    name: "volumes and storage go together",
    check: eachRole(({ volumes, storage }) => {
      if (volumes.length > 0 && storage === undefined) {
        return [
          {
            keys: ["volumes"],
            message: "volumes without storage",
            move: "say with storage how they make one file system",
          },
        ];
      }
      if (volumes.length === 0 && storage !== undefined) {
        return [
          {
            keys: ["storage"],
            message: "storage without volumes",
            move: "list the volumes, or remove storage",
          },
        ];
      }
      if (storage?.layout === "striped" && volumes.length < 2) {
        return [
          {
            keys: ["storage", "layout"],
            message: "storage.layout is striped over one volume",
            move: "add a volume, or choose single",
          },
        ];
      }
      if (storage?.layout === "single" && volumes.length > 1) {
        return [
          {
            keys: ["storage", "layout"],
            message: `storage.layout is single over ${volumes.length} volumes`,
            move: "choose striped",
          },
        ];
      }
      return [];
    }),
  },
  {
    name: "volumes have names and devices of their own",
    check: eachRole(({ volumes }) =>
      (["name", "device"] as const).flatMap((key) =>
        volumes.flatMap((volume, index) =>
          volumes.slice(0, index).some((earlier) => earlier[key] === volume[key])
            ? [
                {
                  keys: ["volumes", index, key],
                  message: `${key} ${volume[key]} is taken by another volume`,
                  move: `choose another ${key}`,
                },
              ]
            : [],
        ),
      ),
    ),
  },
  {
    name: "volume types take what is asked of them",
    check: eachRole(({ volumes }) =>
      volumes.flatMap(({ type, iops, throughputMiBps }, index) => [
        ...(iops !== undefined && !["gp3", "io1", "io2"].includes(type)
          ? [
              {
                keys: ["volumes", index, "iops"],
                message: `iops is given for type ${type}`,
                move: "remove it, or choose gp3, io1 or io2",
              },
            ]
          : []),
        ...(iops === undefined && ["io1", "io2"].includes(type)
          ? [{ keys: ["volumes", index], message: `type ${type} has no iops`, move: "add iops" }]
          : []),
        ...(throughputMiBps !== undefined && type !== "gp3"
          ? [
              {
                keys: ["volumes", index, "throughputMiBps"],
                message: `throughputMiBps is given for type ${type}`,
                move: "remove it, or choose gp3",
              },
            ]
          : []),
      ]),
    ),
  },
  {
    name: "listeners admit roles that exist",
    check: eachRole(({ listens }, _name, { topology }) => {
      const known = Object.keys(topology.environment.roles);
      return listens.flatMap(({ from }, index) =>
        from.flatMap((client, position) => {
          if (known.includes(client)) return [];
          const meant = nearest(client, known);
          return [
            {
              keys: ["listens", index, "from", position],
              message: `${JSON.stringify(client)} is no role of environment ${topology.environment.name}`,
              move:
                meant === undefined
                  ? `name one of ${known.join(", ")}`
                  : `did you mean ${JSON.stringify(meant)}?`,
            },
          ];
        }),
      );
    }),
  },
  {
    name: "files of an image are there",
    check: eachRole(({ image }, name, { paths }) =>
      image.files.flatMap(({ source }, index) =>
        paths.has(`configs/roles/${name}/${source}`)
          ? []
          : [
              {
                keys: ["image", "files", index, "source"],
                message: `configs/roles/${name}/${source} does not exist`,
                move: "add the file, or correct the path",
              },
            ],
      ),
    ),
  },
  {
    name: "roles have user-data",
    check: eachRole((_role, name, { paths }) =>
      [`cloud-init/templates/${name}.yaml`, "cloud-init/boot"].flatMap((path) =>
        paths.has(path)
          ? []
          : [
              {
                keys: [],
                message: `${path} does not exist, and servers of role ${name} boot with it`,
                move: "add the file",
              },
            ],
      ),
    ),
  },
  {
    name: "no role takes the builders' identity",
    check: eachRole((_role, name, { topology }) =>
      instanceProfile(topology.environment.name, name) === builderProfile(topology.environment.name)
        ? [
            {
              keys: [],
              message: `a role named ${name} would share its instance profile with the builders of images`,
              move: "rename the role",
            },
          ]
        : [],
    ),
  },
  {
    name: "load balancers' names fit",
    check: eachRole((role, name, { topology }) => {
      const full = loadBalancerName(topology.environment.name, "primary", name);
      return !isFleet(role) || full.length <= 32
        ? []
        : [
            {
              keys: ["loadBalancer"],
              message: `the load balancer's name ${full} is longer than AWS's 32 characters`,
              move: "shorten the role's or the environment's name",
            },
          ];
    }),
  },
  {
    name: "fixed servers fit into their subnets",
    check: (subject) => (["primary", "recovery"] as const).flatMap((site) => crowdedSubnets(subject, site)),
  },
  {
    name: "objectives can be met",
    check: ({ topology, environmentFile }) =>
      (["rpo", "rto"] as const)
        .filter((key) => durationSeconds(topology.environment.objectives[key]) === 0)
        .map((key) => ({
          place: environmentFile.place(["objectives", key]),
          message: `objectives.${key} is 0`,
          move: "give a time that can be met",
        })),
  },
];

function eachRole(check: (role: Role, name: string, subject: Subject) => Found[]): Rule["check"] {
  return (subject) =>
    Object.entries(subject.topology.roles).flatMap(([name, role]) =>
      check(role, name, subject).map(
        ({ keys, message, move }): Fault => ({ place: subject.roleFiles[name]!.place(keys), message, move }),
      ),
    );
}

/** The last address of a subnet is its broadcast address. */
function crowdedSubnets({ topology, environmentFile }: Subject, site: Site): Fault[] {
  const servers = fixedServers(topology, site);
  return Object.entries(topology.environment.network[site].zones).flatMap(([zone, subnets]) => {
    const block = parseCidr(subnets.private);
    if (typeof block === "string") return [];
    const room = block.last - block.first - firstHost;
    const wanted = servers.filter((server) => server.zone === zone).length;
    if (wanted <= room) return [];
    return [
      {
        place: environmentFile.place(["network", site, "zones", zone, "private"]),
        message: `subnet ${subnets.private} has room for ${Math.max(0, room)} fixed servers, and ${wanted} are wanted`,
        move: "choose a larger subnet, or add a zone",
      },
    ];
  });
}
