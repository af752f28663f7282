import { mkdir } from "node:fs/promises";
import { doctor, requireTool } from "../../bootstrap/commands/doctor.ts";
import { bareMachine, type Machine, terraformScript, unpackedProvider } from "../edges/tools/machine.ts";

let machine: Machine;
const noEngines = async () => [];

beforeEach(async () => {
  machine = await bareMachine();
  await mkdir(machine.context.root, { recursive: true });
});

afterEach(() => machine.remove());

async function installAll(): Promise<void> {
  await machine.program("git", "echo git version 2.39.5");
  await machine.program("terraform", terraformScript());
  await machine.program("uvx", "");
  await machine.file(unpackedProvider("opt/m"), "binary");
}

describe("doctor", () => {
  it("is content when all that is needed is there, whatever optional thing is missing", async () => {
    await installAll();
    expect(await doctor(machine.context, noEngines)).toMatchObject({ kind: "complete" });
    expect(machine.printed).toContainEqual(
      expect.stringMatching(/^found +terraform +1\.11\.4 +\S+ \(Terraform\)$/),
    );
    expect(machine.printed).toContainEqual(expect.stringMatching(/^missing +shellcheck/));
    expect(machine.printed.at(-1)).toBe("everything needed is there");
  });

  it("names each missing thing with the command that installs it", async () => {
    await machine.program("apt-get", "");
    await expect(doctor(machine.context, noEngines)).rejects.toMatchObject({
      kind: "missing-tool",
      message: "not everything needed is there; install the 4 below",
      details: [
        "git: sudo apt-get update && sudo apt-get install -y git",
        expect.stringMatching(/^terraform: .*apt-get install -y terraform$/),
        "aws provider: install terraform first",
        expect.stringMatching(/^emulator: .*python3-venv$/),
      ],
    });
    expect(machine.printed.at(-1)).toBe("something needed is not there");
  });

  it("says the same as JSON", async () => {
    await installAll();
    await doctor(machine.context, noEngines, { json: true });
    expect(JSON.parse(machine.printed.join("\n"))).toMatchObject({
      version: 1,
      kind: "complete",
      needed: expect.any(Array),
    });
  });
});

describe("doctor, asked for engines", () => {
  it("tells what is missing for which engine, and which package mends it", async () => {
    await installAll();
    const lacksPackage = { reason: "mmdebstrap is not installed", package: "mmdebstrap" };
    await doctor(machine.context, async () => [{ engine: "box", missing: [lacksPackage], hasBase: false }]);
    expect(machine.printed).toContain("missing  box  mmdebstrap is not installed");
    expect(machine.printed.join("\n")).toMatch(
      /install: npm run gameday -- --setup, or apt-get install mmdebstrap/,
    );
    expect(machine.printed.at(-1)).toBe("everything needed is there");
  });

  it("names no package for what none mends, and tells when a base image is still to be built", async () => {
    await installAll();
    const root = { reason: "it needs root" };
    await doctor(machine.context, async () => [
      { engine: "box", missing: [root], hasBase: true },
      { engine: "box", missing: [], hasBase: false },
    ]);
    expect(machine.printed.join("\n")).toMatch(/missing +box +it needs root\nfound +box \(the first use/);
  });

  it("has them in its JSON", async () => {
    await installAll();
    const engines = [{ engine: "box", missing: [], hasBase: true }] as const;
    await doctor(machine.context, async () => engines.map((one) => ({ ...one, missing: [] })), {
      json: true,
    });
    expect(JSON.parse(machine.printed.join("\n"))).toMatchObject({ engines });
  });
});

describe("a command that needs a tool", () => {
  it("gets it, or the command that installs it", async () => {
    await machine.program("brew", "");
    await expect(requireTool(machine.context, "git")).rejects.toMatchObject({
      kind: "missing-tool",
      message: "git is needed: no git on PATH; to install it: brew install git",
    });
    const path = await machine.program("git", "echo git version 2.39.5");
    expect(await requireTool(machine.context, "git")).toMatchObject({ path });
  });
});
