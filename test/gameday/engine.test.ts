import { bestEngine, mendable } from "../../bootstrap/gameday/engine.ts";

const box = { engine: "box", missing: [] as { reason: string; package?: string }[], hasBase: true };
const qemu = { ...box, engine: "qemu" };
const root = { reason: "it needs root" };
const program = { reason: "mmdebstrap is not installed", package: "mmdebstrap" };

describe("the engine auto", () => {
  it("is the first that nothing keeps from running", () => {
    expect(bestEngine([box, qemu], { atOnce: true })).toEqual({ chosen: box, passedOver: [] });
  });

  it("passes over what can't run, and says why in one sentence", () => {
    const unfit = { ...box, missing: [root, program] };
    expect(bestEngine([unfit, qemu], { atOnce: true })).toEqual({
      chosen: qemu,
      passedOver: ["engine box can't run here: it needs root, mmdebstrap is not installed"],
    });
  });

  it("fetches no base image unless it may", () => {
    const fresh = { ...box, hasBase: false };
    expect(bestEngine([fresh], { atOnce: true })).toEqual({
      chosen: undefined,
      passedOver: ["engine box has no base image yet, and nothing is fetched without --setup"],
    });
    expect(bestEngine([fresh], { atOnce: false })).toEqual({ chosen: fresh, passedOver: [] });
  });
});

describe("the engine auto, at once", () => {
  it("is none that is slow here", () => {
    const slow = { ...qemu, slow: "there is no /dev/kvm" };
    expect(bestEngine([slow], { atOnce: true })).toEqual({
      chosen: undefined,
      passedOver: ["engine qemu is slow here: there is no /dev/kvm; --engine qemu takes it all the same"],
    });
    expect(bestEngine([slow], { atOnce: false }).chosen).toBe(slow);
  });
});

describe("what --setup installs for an engine", () => {
  it("is nothing when the best one can run", () => {
    expect(mendable([box, qemu])).toEqual({ candidate: box, packages: [] });
  });

  it("is each package once, sorted", () => {
    const missing = [program, { reason: "ip is not installed", package: "iproute2" }, program];
    expect(mendable([{ ...box, missing }])?.packages).toEqual(["iproute2", "mmdebstrap"]);
  });

  it("is another engine's where no package helps the better one", () => {
    const lacking = { ...qemu, missing: [program] };
    expect(mendable([{ ...box, missing: [root, program] }, lacking])).toEqual({
      candidate: lacking,
      packages: ["mmdebstrap"],
    });
    expect(mendable([{ ...box, missing: [root] }])).toBeUndefined();
  });
});
