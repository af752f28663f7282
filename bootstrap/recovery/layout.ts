/**
 * How a server's data volumes make one file system, as it was seen on the server when they were snapshotted. Volumes go
 * by the names that their role gives them.
 */
export interface Layout {
  kind: "single" | "md" | "lvm";
  /** Of the array or the volume group, by which a rebuilt server finds it whatever it is called there. */
  uuid?: string;
  name?: string;
  /** `raid0`, `raid1`, …; of an array. */
  level?: string;
  logicalVolume?: { uuid: string; name: string };
  stripeKiB?: number;
  /** In the order of the array or the logical volume. */
  members: string[];
  filesystem: { type: string; uuid: string; mount: string };
}

/** Reads the answer of `layout.sh`; nothing when the volumes make no file system that it could see. */
export function readLayout(text: string): Layout | undefined {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const first = (word: string) => lines.find(([kind]) => kind === word)?.slice(1);
  const [mount, type, uuid] = first("filesystem") ?? [];
  if (mount === undefined || type === undefined || uuid === undefined) return undefined;
  const names = new Map(
    lines.filter(([kind]) => kind === "disk").map(([, name, disk]) => [disk!, name!] as const),
  );
  const members = lines.filter(([kind]) => kind === "member").map(([, disk]) => names.get(disk!) ?? disk!);
  return { ...assembled(first("md"), first("lvm")), members, filesystem: { type, uuid, mount } };
}

function assembled(
  md: string[] | undefined,
  lvm: string[] | undefined,
): Omit<Layout, "members" | "filesystem"> {
  if (md !== undefined) {
    const [uuid = "", name = "", level = "", stripe = "0"] = md;
    return { kind: "md", uuid, name, level, stripeKiB: Number(stripe) / 1024 };
  }
  if (lvm !== undefined) {
    const [uuid = "", name = "", volume = "", volumeName = "", stripe = "0"] = lvm;
    const logicalVolume = { uuid: volume, name: volumeName };
    return { kind: "lvm", uuid, name, logicalVolume, stripeKiB: Number(stripe) / 1024 };
  }
  return { kind: "single" };
}
