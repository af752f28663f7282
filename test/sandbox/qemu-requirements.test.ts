import { afterEach, expect, test, vi } from "vitest";
import { inWords } from "../../sandbox/bodies/lack.ts";
import { missingForQemu } from "../../sandbox/bodies/qemu/requirements.ts";

const { platform, arch } = process;
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  Object.defineProperty(process, "platform", { value: platform });
  Object.defineProperty(process, "arch", { value: arch });
});

test("another system than Linux and macOS is named", async () => {
  Object.defineProperty(process, "platform", { value: "win32" });
  expect(await missingForQemu("/tmp")).toEqual([{ reason: "it needs Linux or macOS, and this is win32" }]);
});

test("macOS needs an official image, and what Homebrew has", async () => {
  Object.defineProperty(process, "platform", { value: "darwin" });
  Object.defineProperty(process, "arch", { value: "x64" });
  expect(await missingForQemu("/tmp")).toMatchObject([
    { reason: expect.stringMatching(/by REKINDLE_BASE_IMAGE/) },
  ]);
  vi.stubEnv("REKINDLE_BASE_IMAGE", "debian.qcow2");
  expect(await missingForQemu("/tmp")).toMatchObject([
    { reason: expect.stringMatching(/set REKINDLE_BASE_SHA256/) },
  ]);
  vi.stubEnv("REKINDLE_BASE_SHA256", "a".repeat(64));
  vi.stubEnv("PATH", "/var/empty");
  const reasons = (await missingForQemu("/tmp")).map(({ reason }) => reason);
  expect(reasons.slice(0, 2)).toEqual([
    "qemu-system-x86_64 is not installed; brew install qemu",
    "qemu-img is not installed; brew install qemu",
  ]);
});

test.runIf(platform === "linux")("another processor is named, with those that will do", async () => {
  Object.defineProperty(process, "arch", { value: "riscv64" });
  expect(await missingForQemu("/tmp")).toEqual([
    { reason: "it knows processors of the kinds x64, arm64, and this is riscv64" },
  ]);
});

test.runIf(platform === "linux" && arch === "x64")(
  "programs that are not installed are named with their package, and no user has to be root",
  async () => {
    vi.spyOn(process, "getuid").mockReturnValue(1000);
    vi.stubEnv("PATH", "/var/empty");
    const missing = await missingForQemu("/tmp");
    expect(missing).toContainEqual({
      reason: "qemu-system-x86_64 is not installed",
      package: "qemu-system-x86",
    });
    expect(missing).toContainEqual({ reason: "newuidmap is not installed", package: "uidmap" });
    expect(inWords(missing)).not.toMatch(/needs root/);
  },
);
