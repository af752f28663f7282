import { afterEach, expect, test, vi } from "vitest";
import { missingForBox } from "../../sandbox/bodies/box/requirements.ts";

const { platform } = process;
afterEach(() => {
  vi.restoreAllMocks();
  Object.defineProperty(process, "platform", { value: platform });
});

test("another system than Linux is named", async () => {
  Object.defineProperty(process, "platform", { value: "darwin" });
  expect(await missingForBox("/tmp")).toEqual([{ reason: "it needs Linux, and this is darwin" }]);
});

test.runIf(platform === "linux")("another user than root is named, with what to do", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  expect(await missingForBox("/tmp")).toEqual([
    { reason: "it needs root, and this is user 1000; run it with sudo" },
  ]);
});

test.runIf(platform === "linux")("programs that are not installed are named with their package", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  vi.stubEnv("PATH", "/var/empty");
  try {
    expect(await missingForBox("/tmp")).toContainEqual({
      reason: "mmdebstrap is not installed",
      package: "mmdebstrap",
    });
  } finally {
    vi.unstubAllEnvs();
  }
});
