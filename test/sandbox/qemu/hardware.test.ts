import { expect, test } from "vitest";
import { type Computer, type Hardware, qemuArguments } from "../../../sandbox/bodies/qemu/hardware.ts";
import { emulators } from "../../../sandbox/bodies/qemu/requirements.ts";

const kernel = { kind: "kernel", disk: "/b/disk", kernel: "/b/kernel", initrd: "/b/initrd" } as const;
const image = { kind: "image", disk: "/b/disk" } as const;

function line(hardware: Hardware, base: Computer["base"]): string {
  const machine = {
    id: "i-0123456789abcdef0",
    address: "10.0.1.10",
    root: "r",
    volumes: [],
    consoleFile: "/c,d",
  };
  return qemuArguments({ machine, rootFile: "/root", volumes: [], base, hardware }, "06:00:0a:00:01:0a").join(
    " ",
  );
}

const x64 = emulators.x64!;
const arm64 = { ...emulators.arm64!, firmware: "/firmware" };

test("a base of packages is booted by its own kernel, which is told where its root and its console are", () => {
  const told = line({ emulator: x64, accelerator: "kvm" }, kernel);
  expect(told).toContain("-machine pc -accel kvm -cpu host");
  expect(told).toMatch(
    /-kernel \/b\/kernel -initrd \/b\/initrd -append root=\/dev\/disk\/by-id\/virtio-root .*console=ttyS0/,
  );
  expect(told).not.toMatch(/-bios|bootindex/);
});

test("an official image boots by its own boot loader, from the first disk", () => {
  const told = line({ emulator: x64, accelerator: "hvf" }, image);
  expect(told).toContain("-machine pc -accel hvf -cpu host");
  expect(told).not.toMatch(/-kernel|-initrd|-append/);
  expect(told).toContain("virtio-blk-pci,drive=root,serial=root,bootindex=0");
});

test("arm64 has a board of its own, which firmware boots and tells about the hardware", () => {
  const told = line({ emulator: arm64, accelerator: "hvf" }, image);
  expect(told).toContain("-machine virt -bios /firmware -accel hvf -cpu host");
  const direct = line({ emulator: arm64, accelerator: "tcg" }, kernel);
  expect(direct).toContain("-bios /firmware -accel tcg,thread=multi,tb-size=512 -cpu cortex-a72");
  expect(direct).toContain("console=ttyAMA0");
});

test("code that has to be translated is spared what guards against a processor's faults", () => {
  expect(line({ emulator: x64, accelerator: "tcg" }, kernel)).toMatch(/-cpu qemu64 .*mitigations=off/);
  expect(line({ emulator: x64, accelerator: "kvm" }, kernel)).not.toContain("mitigations");
});
