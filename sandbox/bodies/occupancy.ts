import type { Disk, Machine } from "./engine.ts";

/** Who uses which disk of a region: nothing is used twice, and nothing is removed that is in use. */
export class Occupancy {
  readonly #machines = new Map<string, Machine>();
  readonly #volumes = new Map<Disk, { machine: string; device: string }>();

  /** Takes a machine in; refuses one whose id, root disk or address another one has. */
  enter(machine: Machine): void {
    for (const other of this.#machines.values()) {
      if (other.id === machine.id) throw new Error(`machine ${machine.id} runs already`);
      if (other.root === machine.root) throw new Error(`root disk ${machine.root} is in use by ${other.id}`);
      if (other.address === machine.address) throw new Error(`address ${machine.address} is ${other.id}'s`);
    }
    this.#machines.set(machine.id, machine);
  }

  leave(machine: string): void {
    for (const disk of this.volumesOf(machine)) this.#volumes.delete(disk);
    this.#machines.delete(machine);
  }

  /** Says that a volume is a machine's, before anything is waited for: of two at the same time the second is refused. */
  claim(machine: string, device: string, disk: Disk): void {
    const use = this.#volumes.get(disk);
    if (use) throw new Error(`volume ${disk} is attached to ${use.machine} as ${use.device}`);
    const isTaken = (other: { machine: string; device: string }) =>
      other.machine === machine && other.device === device;
    if ([...this.#volumes.values()].some(isTaken)) throw new Error(`${device} of ${machine} is in use`);
    this.#volumes.set(disk, { machine, device });
  }

  release(disk: Disk): void {
    this.#volumes.delete(disk);
  }

  volumesOf(machine: string): Disk[] {
    return [...this.#volumes].flatMap(([disk, use]) => (use.machine === machine ? [disk] : []));
  }

  /** The volume behind a machine's device. */
  volumeAt(machine: string, device: string): Disk {
    const found = [...this.#volumes].find(([, use]) => use.machine === machine && use.device === device);
    if (!found) throw new Error(`${machine} has no volume ${device}`);
    return found[0];
  }

  /** The machine that has a disk, as its root or as a volume. */
  userOf(disk: Disk): string | undefined {
    const rooted = [...this.#machines.values()].find(({ root }) => root === disk);
    return rooted?.id ?? this.#volumes.get(disk)?.machine;
  }

  demandFree(disk: Disk): void {
    const user = this.userOf(disk);
    if (user !== undefined) throw new Error(`disk ${disk} is in use by ${user}`);
  }
}
