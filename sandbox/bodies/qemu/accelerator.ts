import { run } from "../../../bootstrap/edges/process.ts";
import type { Base } from "./base.ts";
import { type Emulator, escaped, type Hardware, processor } from "./hardware.ts";

/** How long a machine may take until it says what it must, when the processor runs its code by itself. */
const probeMs = { kernel: 8_000, image: 20_000 } as const;

/** What an initial RAM disk says that stops where it begins, and what a kernel says that a boot loader has started. */
const marks = { kernel: "Spawning shell within the initramfs", image: "Linux version" } as const;

/** A device that opens is no proof: some clouds' virtual machines have one that runs nothing. So it has to boot once. */
export async function bestAccelerator(emulator: Emulator, base: Base): Promise<Hardware["accelerator"]> {
  const candidate = process.platform === "darwin" ? "hvf" : "kvm";
  return (await boots({ emulator, accelerator: candidate }, base)) ? candidate : "tcg";
}

async function boots(hardware: Hardware, base: Base): Promise<boolean> {
  const enough = new AbortController();
  let reached = false;
  await run(
    hardware.emulator.program,
    [
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "256M"],
      ...processor(hardware),
      ...probe(base, hardware.emulator),
      ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ],
    {
      timeoutMs: probeMs[base.kind],
      signal: enough.signal,
      onLine(line) {
        if (!line.includes(marks[base.kind])) return;
        reached = true;
        enough.abort();
      },
    },
  );
  return reached;
}

function probe(base: Base, { console }: Emulator): string[] {
  // What it writes is forgotten with it.
  if (base.kind === "image") return ["-drive", `file=${escaped(base.disk)},if=virtio,snapshot=on`];
  return ["-kernel", base.kernel, "-initrd", base.initrd, "-append", `console=${console} panic=-1 break=top`];
}
