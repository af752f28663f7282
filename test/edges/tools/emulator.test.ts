import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureEmulator, findEmulator } from "../../../bootstrap/edges/tools/emulator.ts";
import { bareMachine, type Machine } from "./machine.ts";

let machine: Machine;

beforeEach(async () => {
  machine = await bareMachine();
  await mkdir(machine.context.root, { recursive: true });
  machine.context.env.PATH = [join(machine.root, "bin"), join(machine.root, "tools")].join(":");
});

afterEach(() => machine.remove());

/** A python that makes a virtual environment whose pip installs an emulator. */
const pythonThatInstalls = (pip: string) => `
case "$*" in
  --version) echo Python 3.11.2 ;;
  -c*) echo both ;;
  "-m venv "*) /bin/mkdir -p "$3/bin"
    printf '%s\\n' '#!/bin/sh' '${pip}' > "$3/bin/pip"
    /bin/chmod +x "$3/bin/pip" ;;
esac`;
const installs =
  'd=$(/usr/bin/dirname "$0"); echo "#!/bin/sh" > "$d/moto_server"; /bin/chmod +x "$d/moto_server"';

describe("the emulator", () => {
  it("is moto_server on PATH when the python beside it says that it is new enough", async () => {
    const path = await machine.program("moto_server", "");
    await machine.program("python3", "echo 5.1.4");
    expect(await findEmulator(machine.context)).toEqual({
      tool: "emulator",
      kind: "found",
      version: "5.1.4",
      path,
    });
    expect(await ensureEmulator(machine.context)).toEqual([path]);
  });

  it("is asked of the python that its first line names", async () => {
    const python = await machine.program("python3.11", "echo 5.2.0");
    const path = await machine.file("tools/moto_server", `#!${python}\nimport moto\n`);
    await import("node:fs/promises").then(({ chmod }) => chmod(path, 0o755));
    expect(await findEmulator(machine.context)).toMatchObject({ kind: "found", version: "5.2.0", path });
  });

  it("comes through uvx when there is no moto_server", async () => {
    const path = await machine.program("uvx", "");
    expect(await findEmulator(machine.context)).toMatchObject({
      kind: "found",
      path,
      note: "fetched by uvx on first use",
    });
    expect(await ensureEmulator(machine.context)).toEqual([
      path,
      "--from",
      "moto[server]==5.2.1",
      "moto_server",
    ]);
  });

  it("is installed by pip, once, when there is neither", async () => {
    await machine.program("python3", pythonThatInstalls(installs));
    expect(await findEmulator(machine.context)).toMatchObject({
      kind: "found",
      note: expect.stringContaining("on first use"),
    });
    const program = join(machine.context.stateDir, "emulator/venv/bin/moto_server");
    expect(await ensureEmulator(machine.context)).toEqual([program]);
    expect(await ensureEmulator(machine.context)).toEqual([program]);
    expect(machine.printed).toEqual([
      expect.stringContaining("installing the emulator (moto[server]==5.2.1)"),
    ]);
  });

  it("says why when pip cannot install it, and counts nothing half made", async () => {
    await machine.program("python3", pythonThatInstalls("echo no such package >&2; exit 1"));
    await expect(ensureEmulator(machine.context)).rejects.toMatchObject({
      kind: "tool-failed",
      message: expect.stringContaining("pip could not install moto[server]==5.2.1: it exited with 1"),
      details: ["no such package"],
    });
    expect(await findEmulator(machine.context)).toMatchObject({
      note: expect.stringContaining("on first use"),
    });
  });

  it("is missing, with all reasons, when nothing can bring it", async () => {
    await machine.program("moto_server", "");
    await machine.program("python3", '[ "$1" = --version ] && echo Python 3.8.1 || echo 5.0.2');
    await expect(ensureEmulator(machine.context)).rejects.toMatchObject({
      kind: "missing-tool",
      message: expect.stringMatching(
        /moto_server is 5\.0\.2, older than 5\.1, no uvx, and .*python3 is 3\.8\.1, older than 3\.10/,
      ),
    });
  });
});
