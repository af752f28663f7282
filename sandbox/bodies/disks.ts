import type { Volume } from "@aws-sdk/client-ec2";
import { Refusal } from "../refusal.ts";
import type { Disk, EngineRegion } from "./engine.ts";

/** Where a root volume is attached. The emulator's choice is not always what it calls the image's root device. */
export function isRootDevice(device: string | undefined): boolean {
  return device !== undefined && ["/dev/sda1", "/dev/sda", "/dev/xvda"].includes(device);
}

/**
 * The disks of one region by the id of what they belong to: a volume, a snapshot, an image. An image and its root
 * snapshot are one disk, which goes when the last id of it is forgotten, as in AWS.
 */
export class Disks {
  readonly #engine: EngineRegion;
  readonly #disks = new Map<string, Disk>();
  /** Volumes that are or were an instance's root. */
  readonly #roots = new Set<string>();

  constructor(engine: EngineRegion) {
    this.#engine = engine;
  }

  get(id: string): Disk | undefined {
    return this.#disks.get(id);
  }

  isRoot(volumeId: string): boolean {
    return this.#roots.has(volumeId);
  }

  keep(disk: Disk, ...ids: string[]): void {
    for (const id of ids) this.#disks.set(id, disk);
  }

  /** The disk of a snapshot, or a refusal that names it. */
  snapshot(id: string): Disk {
    const disk = this.#disks.get(id);
    if (disk !== undefined) return disk;
    throw new Refusal("InvalidSnapshot.NotFound", `the sandbox holds no data of snapshot ${id}`);
  }

  /** The same for a volume. */
  volume(id: string): Disk {
    const disk = this.#disks.get(id);
    if (disk !== undefined) return disk;
    throw new Refusal("InvalidVolume.NotFound", `the sandbox holds no data of volume ${id}`);
  }

  async forget(...ids: string[]): Promise<void> {
    for (const id of ids) {
      const disk = this.#disks.get(id);
      this.#disks.delete(id);
      this.#roots.delete(id);
      if (disk !== undefined && ![...this.#disks.values()].includes(disk)) await this.#engine.remove(disk);
    }
  }

  async forgetAll(): Promise<void> {
    await this.forget(...this.#disks.keys());
  }

  /** The root disk of an instance, made from `image` when it boots for the first time. */
  async root(id: string, image: Disk): Promise<Disk> {
    this.#roots.add(id);
    const known = this.#disks.get(id);
    if (known !== undefined) return known;
    const disk = await this.#engine.rootFrom(image);
    this.keep(disk, id);
    return disk;
  }

  /** Makes the disks of volumes that have none yet. Returns what could not be made, by volume. */
  async makeMissing(volumes: readonly Volume[]): Promise<Map<string, Error>> {
    const failures = new Map<string, Error>();
    for (const volume of volumes) {
      const id = volume.VolumeId!;
      if (volume.Attachments?.some(({ Device }) => isRootDevice(Device))) this.#roots.add(id);
      if (this.#roots.has(id) || this.#disks.has(id)) continue;
      try {
        this.keep(await this.#make(volume), id);
      } catch (error) {
        failures.set(id, error as Error);
      }
    }
    return failures;
  }

  /** Forgets the disks of volumes, and of roots that belong to no volume, that are not among these. */
  async forgetOthers(ids: readonly string[]): Promise<void> {
    const there = new Set(ids);
    await this.forget(...[...this.#disks.keys()].filter((id) => /^(vol|i)-/.test(id) && !there.has(id)));
  }

  /** Copies of volumes at one instant, roots included, in the order that they are named. */
  async snapshots(volumeIds: readonly string[]): Promise<Disk[]> {
    const named = volumeIds.map((id) => ({ id, disk: this.volume(id) }));
    const data = named.filter(({ id }) => !this.#roots.has(id));
    const copied = data.length === 0 ? [] : await this.#engine.snapshot(data.map(({ disk }) => disk));
    const copies = new Map(data.map(({ id }, index) => [id, copied[index]!]));
    try {
      for (const { id, disk } of named) if (!copies.has(id)) copies.set(id, await this.#engine.imageOf(disk));
    } catch (error) {
      for (const disk of copies.values()) await this.#engine.remove(disk);
      throw error;
    }
    return volumeIds.map((id) => copies.get(id)!);
  }

  async #make({ SnapshotId, Size = 8 }: Volume): Promise<Disk> {
    return SnapshotId
      ? await this.#engine.volumeFrom(this.snapshot(SnapshotId), Size)
      : await this.#engine.blankVolume(Size);
  }
}
