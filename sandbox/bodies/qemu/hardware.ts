import type { Machine } from "../engine.ts";
import type { Base } from "./base.ts";
import { mtu } from "./network/packets.ts";

/** QEMU for one kind of processor. */
export interface Emulator {
  program: string;
  /** QEMU's name of the computer that it is. */
  board: "pc" | "virt";
  /** The first serial port, as Linux calls it. */
  console: string;
  /** What boots it; a board without has its own. Given as QEMU finds it. */
  firmware?: string;
}

/** What machines are made of on this computer. */
export interface Hardware {
  emulator: Emulator;
  /** `kvm` and `hvf` let it run code itself; without them QEMU translates it. */
  accelerator: "kvm" | "hvf" | "tcg";
}

/** A volume's file, behind the name that it has below /dev. */
export interface VolumeFile {
  name: string;
  /** The volume's own id, by which a server tells it from others. */
  id: string;
  file: string;
}

/** One machine, as QEMU is told to make it. */
export interface Computer {
  machine: Machine;
  rootFile: string;
  volumes: readonly VolumeFile[];
  base: Base;
  hardware: Hardware;
}

/** File descriptors that QEMU is started with. */
const descriptors = { frames: 3, agent: 4, monitor: 5 } as const;

const memory = "768M";

const kernelArguments = ["root=/dev/disk/by-id/virtio-root", "rw", "loglevel=5", "net.ifnames=0"];

/** What guards against a processor's faults, or hides where things are, makes code that has to be translated again and again. */
const forTranslation = ["mitigations=off", "nokaslr", "norandmaps", "audit=0", "apparmor=0"];

/** The command line of one machine. */
export function qemuArguments(
  { machine, rootFile, volumes, base, hardware }: Computer,
  mac: string,
): string[] {
  const id = hardwareId(machine.id);
  return [
    ...["-name", machine.id, "-nodefaults", "-no-user-config", "-display", "none"],
    ...processor(hardware),
    ...["-m", memory, "-smp", "1", "-rtc", "base=utc"],
    ...boot(base, hardware),
    // By these cloud-init knows where it is.
    ...["-smbios", "type=0,vendor=Amazon EC2,version=1.0"],
    ...["-smbios", `type=1,manufacturer=Amazon EC2,product=qemu,uuid=${id},serial=${id}`],
    ...["-smbios", "type=3,manufacturer=Amazon EC2,asset=Amazon EC2"],
    ...[
      "-chardev",
      `file,id=console,append=on,path=${escaped(machine.consoleFile)}`,
      "-serial",
      "chardev:console",
    ],
    ...["-blockdev", JSON.stringify(disk("root", "qcow2", rootFile))],
    // QEMU's own loader of kernels takes the first place.
    ...["-device", `virtio-blk-pci,drive=root,serial=root${base.kind === "image" ? ",bootindex=0" : ""}`],
    ...volumes.flatMap((volume) => [
      ...["-blockdev", JSON.stringify(volumeNode(volume))],
      ...["-device", JSON.stringify(volumeDevice(volume))],
    ]),
    ...["-netdev", `socket,id=net,fd=${descriptors.frames}`],
    ...["-device", `virtio-net-pci,netdev=net,mac=${mac},host_mtu=${mtu},romfile=`],
    ...["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent,fd=${descriptors.agent}`],
    ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0,id=agent"],
    ...["-chardev", `socket,id=monitor,fd=${descriptors.monitor}`, "-mon", "chardev=monitor,mode=control"],
  ];
}

/** The board, and what is on it. Without KVM code is translated: a plain processor does better than a rich one. */
export function processor({ emulator: { board, firmware }, accelerator }: Hardware): string[] {
  const plain = board === "pc" ? "qemu64" : "cortex-a72";
  return [
    ...["-machine", board],
    ...(firmware === undefined ? [] : ["-bios", firmware]),
    ...(accelerator === "tcg"
      ? ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", plain]
      : ["-accel", accelerator, "-cpu", "host"]),
  ];
}

function boot(base: Base, { emulator, accelerator }: Hardware): string[] {
  if (base.kind === "image") return [];
  const words = [
    ...kernelArguments,
    `console=${emulator.console}`,
    ...(accelerator === "tcg" ? forTranslation : []),
  ];
  return ["-kernel", base.kernel, "-initrd", base.initrd, "-append", words.join(" ")];
}

export function volumeNode({ name, file }: VolumeFile): object {
  return disk(name, "raw", file);
}

/** The serial number tells udev what to call the disk, and servers which one it is; virtio has room for 20 characters. */
export function volumeDevice({ name, id }: VolumeFile): object {
  return { driver: "virtio-blk-pci", id: name, drive: name, serial: `${name}-${id}`.slice(0, 20) };
}

/** Nothing is lost with QEMU, since this computer has it by then; only with the computer, and then all machines are. */
function disk(name: string, driver: "qcow2" | "raw", filename: string): object {
  const cache = { direct: false, "no-flush": true };
  return {
    driver,
    "node-name": name,
    cache,
    discard: "unmap",
    "detect-zeroes": "unmap",
    file: { driver: "file", filename, cache, discard: "unmap" },
  };
}

/** A path as a part of an option. */
export function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

/** EC2's hardware id begins with ec2; the rest is the instance's own. */
function hardwareId(instance: string): string {
  const digits = `ec2${instance.replace(/[^0-9a-f]/g, "")}`.padEnd(32, "0").slice(0, 32);
  return [0, 8, 12, 16, 20].map((from, at, all) => digits.slice(from, all[at + 1])).join("-");
}
