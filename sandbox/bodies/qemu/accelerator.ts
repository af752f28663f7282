import { run } from "../../../bootstrap/edges/process.ts";
import type { Base } from "./base.ts";
import { type Hardware, processor } from "./hardware.ts";

/** How long the kernel may take until its initial RAM disk runs, when the processor runs it by itself. */
const probeMs = 8_000;

/** What the initial RAM disk says when it stops where it begins. */
const mark = "Spawning shell within the initramfs";

/** A device that opens is no proof: some clouds' virtual machines have one that runs nothing. So it has to boot once. */
export async function bestAccelerator(program: string, base: Base): Promise<Hardware["accelerator"]> {
  const candidate = process.platform === "darwin" ? "hvf" : "kvm";
  return (await boots(program, base, candidate)) ? candidate : "tcg";
}

async function boots(
  program: string,
  { kernel, initrd }: Base,
  accelerator: "kvm" | "hvf",
): Promise<boolean> {
  const enough = new AbortController();
  let reached = false;
  await run(
    program,
    [
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "256M"],
      ...processor({ accelerator }),
      ...["-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 panic=-1 break=top"],
      ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ],
    {
      timeoutMs: probeMs,
      signal: enough.signal,
      onLine(line) {
        if (!line.includes(mark)) return;
        reached = true;
        enough.abort();
      },
    },
  );
  return reached;
}
