import type { Found, RoleRule } from "./rule.ts";
import type { Volume } from "./schema.ts";

export const volumeRules: RoleRule[] = [
  {
    name: "volumes and storage go together",
    check: ({ volumes, storage }) => {
      if (volumes.length > 0 && storage === undefined)
        return one(["volumes"], "volumes without storage", "say with storage how they make one file system");
      if (volumes.length === 0 && storage !== undefined)
        return one(["storage"], "storage without volumes", "list the volumes, or remove storage");
      if (storage?.layout === "striped" && volumes.length < 2)
        return one(
          ["storage", "layout"],
          "storage.layout is striped over one volume",
          "add a volume, or choose single",
        );
      if (storage?.layout === "single" && volumes.length > 1)
        return one(
          ["storage", "layout"],
          `storage.layout is single over ${volumes.length} volumes`,
          "choose striped",
        );
      return [];
    },
  },
  {
    name: "volumes have names and devices of their own",
    check: ({ volumes }) => [
      ...repeated(volumes, "name", ({ name }) => name),
      // The kernel calls /dev/sdf /dev/xvdf: they are one device by two names.
      ...repeated(volumes, "device", ({ device }) => device.at(-1)!),
    ],
  },
  {
    name: "volume types take what is asked of them",
    check: ({ volumes }) =>
      volumes.flatMap((volume, index) =>
        misfits(volume).map((found) => ({ ...found, keys: ["volumes", index, ...found.keys] })),
      ),
  },
];

/** What EC2 would refuse at the first deployment. */
function misfits({ type, iops, throughputMiBps, sizeGiB }: Volume): Found[] {
  const found: Found[] = [];
  const takesIops = ["gp3", "io1", "io2"].includes(type);
  if (iops !== undefined && !takesIops)
    found.push({
      keys: ["iops"],
      message: `iops is ${iops}, and type ${type} takes none`,
      move: "remove it, or choose gp3, io1 or io2",
    });
  if (iops === undefined && ["io1", "io2"].includes(type))
    found.push({ keys: [], message: `type ${type} has no iops`, move: "add iops" });
  if (type === "gp3" && iops !== undefined && iops < 3000)
    found.push({
      keys: ["iops"],
      message: `iops is ${iops}, and gp3 starts at 3000`,
      move: "remove it, or raise it",
    });
  if (throughputMiBps !== undefined && type !== "gp3")
    found.push({
      keys: ["throughputMiBps"],
      message: `throughputMiBps is ${throughputMiBps}, and type ${type} takes none`,
      move: "remove it, or choose gp3",
    });
  const smallest = { gp3: 1, gp2: 1, io1: 4, io2: 4, st1: 125, sc1: 125 }[type];
  if (sizeGiB < smallest)
    found.push({
      keys: ["sizeGiB"],
      message: `sizeGiB is ${sizeGiB}, and type ${type} starts at ${smallest}`,
      move: "raise it, or choose gp3",
    });
  return found;
}

function repeated(
  volumes: readonly Volume[],
  key: "name" | "device",
  identity: (v: Volume) => string,
): Found[] {
  return volumes.flatMap((volume, index) =>
    volumes.slice(0, index).some((earlier) => identity(earlier) === identity(volume))
      ? one(
          ["volumes", index, key],
          `${key} ${volume[key]} is taken by another volume`,
          `choose another ${key}`,
        )
      : [],
  );
}

function one(keys: readonly PropertyKey[], message: string, move: string): Found[] {
  return [{ keys, message, move }];
}
