import { findGit } from "../../../bootstrap/edges/tools/git.ts";
import { findNode } from "../../../bootstrap/edges/tools/node.ts";
import { findPython } from "../../../bootstrap/edges/tools/python.ts";
import { findTerraform } from "../../../bootstrap/edges/tools/terraform.ts";
import { bareMachine, type Machine, terraformScript } from "./machine.ts";

let machine: Machine;

beforeEach(async () => {
  machine = await bareMachine({ root: process.cwd() });
});

afterEach(() => machine.remove());

describe("a tool", () => {
  it("is missing with the command of this system's package manager", async () => {
    expect(await findGit(machine.context)).toMatchObject({
      kind: "missing",
      install: "see https://git-scm.com/downloads",
    });
    await machine.program("dnf", "");
    expect(await findGit(machine.context)).toMatchObject({ install: "sudo dnf install -y git" });
    await machine.program("apt-get", "");
    expect(await findGit(machine.context)).toMatchObject({
      install: "sudo apt-get update && sudo apt-get install -y git",
    });
    machine.context.isAdministrator = true;
    expect(await findGit(machine.context)).toMatchObject({
      install: "apt-get update && apt-get install -y git",
    });
  });

  it("is missing when it is there and does not run", async () => {
    const path = await machine.program("git", "exit 1");
    expect(await findGit(machine.context)).toMatchObject({
      kind: "missing",
      reason: `${path} does not tell its version`,
    });
  });

  it("is found with its version", async () => {
    const path = await machine.program("git", "echo git version 2.39.5");
    expect(await findGit(machine.context)).toEqual({ tool: "git", kind: "found", version: "2.39.5", path });
  });

  it("is too old by number, not by letter", async () => {
    expect(await findNode({ ...machine.context, nodeVersion: "20.8.1" })).toMatchObject({
      kind: "too-old",
      needs: "20.9.0",
    });
    expect(await findNode({ ...machine.context, nodeVersion: "20.10.0" })).toMatchObject({ kind: "found" });
  });
});

describe("terraform", () => {
  it("may be OpenTofu", async () => {
    await machine.program("tofu", terraformScript("1.10.0", "OpenTofu"));
    expect(await findTerraform(machine.context)).toMatchObject({
      kind: "found",
      version: "1.10.0",
      note: "OpenTofu",
    });
  });

  it("gives way to OpenTofu when it is too old", async () => {
    await machine.program("terraform", terraformScript("1.9.8"));
    expect(await findTerraform(machine.context)).toMatchObject({
      kind: "too-old",
      version: "1.9.8",
      needs: "1.10.0",
    });
    await machine.program("tofu", terraformScript("1.10.0", "OpenTofu"));
    expect(await findTerraform(machine.context)).toMatchObject({ kind: "found", note: "OpenTofu" });
  });

  it("is only the one that REKINDLE_TERRAFORM names", async () => {
    await machine.program("terraform", terraformScript());
    machine.context.env.REKINDLE_TERRAFORM = "/nowhere/terraform";
    expect(await findTerraform(machine.context)).toMatchObject({
      kind: "missing",
      reason: expect.stringContaining('"/nowhere/terraform"'),
    });
  });
});

describe("python", () => {
  it("does not count without venv", async () => {
    await machine.program("python3", '[ "$1" = --version ] && echo Python 3.11.2');
    await machine.program("apt-get", "");
    expect(await findPython(machine.context)).toMatchObject({
      kind: "missing",
      install: expect.stringContaining("python3-venv"),
    });
  });
});
