import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { installPackages } from "../../../bootstrap/edges/tools/apt.ts";
import { bareMachine, type Machine } from "./machine.ts";

let machine: Machine;
let policy: string;

beforeEach(async () => {
  machine = await bareMachine({ isAdministrator: true });
  machine.context.env.PATH += ":/usr/bin:/bin";
  policy = join(machine.root, "policy-rc.d");
});

afterEach(() => machine.remove());

const aptGet = (script: string) =>
  machine.program("apt-get", `echo "$* $(cat ${policy} | tail -1)" >>${machine.root}/said\n${script}`);

describe("installing Debian's packages", () => {
  it("starts no daemon meanwhile, and leaves nothing that forbids it afterwards", async () => {
    await aptGet("");
    await installPackages(machine.context, ["mmdebstrap", "iproute2"], policy);
    expect(readFileSync(join(machine.root, "said"), "utf8").split("\n")).toEqual([
      "update -qq exit 101",
      "install -qq -y --no-install-recommends mmdebstrap iproute2 exit 101",
      "",
    ]);
    expect(existsSync(policy)).toBe(false);
  });

  it("keeps a policy that is there", async () => {
    await machine.file("policy-rc.d", "exit 0\n");
    await aptGet("");
    await installPackages(machine.context, ["mmdebstrap"], policy);
    expect(readFileSync(policy, "utf8")).toBe("exit 0\n");
  });

  it("tells apt's own reason when it fails", async () => {
    await aptGet('echo "E: Unable to locate package $5" >&2; exit 100');
    await expect(installPackages(machine.context, ["mmdebstrap"], policy)).rejects.toMatchObject({
      kind: "tool-failed",
      message: expect.stringMatching(/^mmdebstrap could not be installed: apt-get exited with 100/),
      details: [expect.stringMatching(/^E: Unable to locate/)],
    });
    expect(existsSync(policy)).toBe(false);
  });

  it("asks sudo where it is not root", async () => {
    await machine.program("sudo", `echo "$1 $2" >${machine.root}/asked`);
    await aptGet("");
    await installPackages({ ...machine.context, isAdministrator: false }, ["mmdebstrap"], policy);
    expect(readFileSync(join(machine.root, "asked"), "utf8")).toMatch(/^(-n sh|sh -c)\n$/);
  });

  it("is refused where there is no apt-get, with what to install", async () => {
    machine.context.env.PATH = "/var/empty";
    await expect(installPackages(machine.context, ["mmdebstrap"], policy)).rejects.toMatchObject({
      kind: "missing-tool",
      message: expect.stringMatching(/no apt-get here; install what Debian has in mmdebstrap/),
    });
  });
});
