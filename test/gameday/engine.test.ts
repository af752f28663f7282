import { bestEngine, type Candidate, fitting, mendable } from "../../bootstrap/gameday/engine.ts";

const box = { engine: "box", missing: [] as { reason: string; package?: string }[], hasBase: true };
const qemu = { ...box, engine: "qemu" };
const root = { reason: "it needs root" };
const program = { reason: "mmdebstrap is not installed", package: "mmdebstrap" };

const best = (candidates: Candidate[], speed: { atOnce: boolean }) =>
  bestEngine(candidates, async (candidate) => fitting(candidate, speed));

describe("the engine auto", () => {
  it("is the first that nothing keeps from running", async () => {
    expect(await best([box, qemu], { atOnce: true })).toEqual({ taken: box, passedOver: [] });
  });

  it("passes over what can't run, and says why in one sentence", async () => {
    const unfit = { ...box, missing: [root, program] };
    expect(await best([unfit, qemu], { atOnce: true })).toEqual({
      taken: qemu,
      passedOver: ["engine box can't run here: it needs root, mmdebstrap is not installed"],
    });
  });

  it("fetches no base image unless it may", async () => {
    const fresh = { ...box, hasBase: false };
    expect(await best([fresh], { atOnce: true })).toEqual({
      taken: undefined,
      passedOver: ["engine box has no base image yet, and auto fetches nothing; --engine box makes it first"],
    });
    expect(await best([fresh], { atOnce: false })).toEqual({ taken: fresh, passedOver: [] });
  });
});

describe("the engine auto, at once", () => {
  it("is none that is slow here", async () => {
    const slow = { ...qemu, slow: "there is no /dev/kvm" };
    expect(await best([slow], { atOnce: true })).toEqual({
      taken: undefined,
      passedOver: ["engine qemu is slow here: there is no /dev/kvm; --engine qemu takes it all the same"],
    });
    expect((await best([slow], { atOnce: false })).taken).toBe(slow);
  });
});

describe("the best engine", () => {
  it("is looked for no further than the first one that gives something", async () => {
    const asked: string[] = [];
    const attempt = async (engine: string) => {
      asked.push(engine);
      return engine === "b" ? { gives: engine.toUpperCase() } : { obstacle: `${engine} is broken` };
    };
    expect(await bestEngine(["a", "b", "c"], attempt)).toEqual({ taken: "B", passedOver: ["a is broken"] });
    expect(asked).toEqual(["a", "b"]);
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
