import { afterEach, expect, test, vi } from "vitest";
import { missingForQemu } from "../../sandbox/bodies/qemu/requirements.ts";

const { platform, arch } = process;
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  Object.defineProperty(process, "platform", { value: platform });
  Object.defineProperty(process, "arch", { value: arch });
});

test("another system than Linux is named", async () => {
  Object.defineProperty(process, "platform", { value: "darwin" });
  expect(await missingForQemu("/tmp")).toEqual(["it needs Linux, and this is darwin"]);
});

test.runIf(platform === "linux")("another processor is named, with those that will do", async () => {
  Object.defineProperty(process, "arch", { value: "riscv64" });
  expect(await missingForQemu("/tmp")).toEqual(["it knows processors of the kind x64, and this is riscv64"]);
});

test.runIf(platform === "linux" && arch === "x64")(
  "programs that are not installed are named with their package, and no user has to be root",
  async () => {
    vi.spyOn(process, "getuid").mockReturnValue(1000);
    vi.stubEnv("PATH", "/var/empty");
    const missing = await missingForQemu("/tmp");
    expect(missing).toContain("qemu-system-x86_64 is not installed; apt-get install qemu-system-x86");
    expect(missing).toContain("newuidmap is not installed; apt-get install uidmap");
    expect(missing.join("; ")).not.toMatch(/needs root/);
  },
);
