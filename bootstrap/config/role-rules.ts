import { bootPath, templatePath } from "./files.ts";
import type { RoleRule } from "./rule.ts";
import type { Role } from "./schema.ts";
import { userDataNames } from "./user-data.ts";

export const roleRules: RoleRule[] = [
  {
    name: "a role with a load balancer is stateless",
    check: ({ loadBalancer, volumes }) =>
      loadBalancer === undefined || volumes.length === 0
        ? []
        : [
            {
              keys: ["volumes"],
              message: "a role with a load balancer has volumes, and its servers come and go",
              move: "keep the data in another role or a database",
            },
          ],
  },
  {
    name: "listeners are listed once",
    check: ({ listens }) => {
      const seen = new Set<string>();
      return listens.flatMap(({ port, from }, index) =>
        from.flatMap((client, position) => {
          const listener = `${port} from ${client}`;
          if (!seen.has(listener)) {
            seen.add(listener);
            return [];
          }
          return [
            {
              keys: ["listens", index, "from", position],
              message: `port ${listener} is listed twice`,
              move: "remove one",
            },
          ];
        }),
      );
    },
  },
  {
    name: "files of an image are there",
    check: ({ image }, { name, files }) =>
      bakedFiles(image).flatMap(({ source }, index) =>
        files.has(`configs/roles/${name}/${source}`)
          ? []
          : [
              {
                keys: ["image", "files", index, "source"],
                message: `configs/roles/${name}/${source} does not exist`,
                move: "add the file, or correct the path",
              },
            ],
      ),
  },
  {
    name: "files of an image go to places of their own",
    check: ({ image }) =>
      bakedFiles(image).flatMap(({ path }, index) =>
        bakedFiles(image)
          .slice(0, index)
          .some((earlier) => earlier.path === path)
          ? [
              {
                keys: ["image", "files", index, "path"],
                message: `${path} is written by another file too`,
                move: "choose another path, or remove one",
              },
            ]
          : [],
      ),
  },
  {
    name: "roles have user-data",
    check: (role, { name, files }) =>
      [
        ...userDataNames(role, name).map((template, index) => ({
          path: templatePath(template),
          keys: role.userData === undefined ? [] : ["userData", index],
        })),
        { path: bootPath, keys: [] },
      ]
        .filter(({ path }) => !files.has(path))
        .map(({ path, keys }) => ({
          keys,
          message: `${path} does not exist, and servers of role ${name} boot with it`,
          move: "add the file",
        })),
  },
  {
    name: "restarts are of services",
    check: ({ services, restarts }) =>
      Object.keys(restarts)
        .filter((unit) => !services.includes(unit))
        .map((unit) => ({
          keys: ["restarts", unit],
          message: `${unit} is no service of this role`,
          move: "add it to services, or remove it here",
        })),
  },
];

function bakedFiles(image: Role["image"]) {
  return "taken" in image ? [] : image.files;
}
