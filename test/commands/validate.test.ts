import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { validate } from "../../bootstrap/commands/validate.ts";
import type { ConfigFiles } from "../../bootstrap/config/files.ts";
import { askCloudInit, readComplaints } from "../../bootstrap/edges/cloud-init.ts";
import { readConfigFiles } from "../../bootstrap/edges/config-files.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { formatFault } from "../../bootstrap/errors.ts";
import { sha256 } from "../../bootstrap/release/digest.ts";
import { replace, shopFiles } from "../config/builders.ts";

const notInstalled = async () => ({ kind: "not-installed" }) as const;

async function faults(files: ConfigFiles, environments: string[] = []): Promise<string[]> {
  const validation = await validate({ files, environments, askCloudInit: notInstalled });
  return validation.faults.map(formatFault);
}

test("what the repository ships is valid, by cloud-init's own word where it is installed", async () => {
  const files = await readConfigFiles(".");
  expect(await validate({ files, environments: [], askCloudInit })).toMatchObject({
    environments: ["ledger", "shop"],
    faults: [],
  });
});

test("a role that starts from a taken image is valid, with a warning when it needs what only a bake installs", async () => {
  const taken = [replace("db", 'base: { owner: amazon, name: "image-*" }', "taken: pet")];
  const look = async (files: ConfigFiles) => {
    const { faults, warnings } = await validate({ files, environments: [], askCloudInit: notInstalled });
    return [faults, warnings.map(formatFault)];
  };
  expect(await look(shopFiles(...taken))).toEqual([[], []]);
  const files = new Map(shopFiles(...taken));
  const content = Buffer.from("#cloud-config\nruncmd:\n  - [/usr/local/sbin/rekindle-boot]\n");
  files.set("cloud-init/templates/db.yaml", { content, mode: "0644" });
  expect(await look(files)).toEqual([
    [],
    [
      expect.stringMatching(
        /^configs\/roles\/db\/role\.yaml:3:10: image pet was taken of a server, and .* rekindle-boot/,
      ),
    ],
  ]);
});

test("a template is at fault in the line that can't be rendered", async () => {
  const files = shopFiles(replace("template", "{{server}}", "{{sever}}"));
  expect((await faults(files)).join("\n")).toMatch(/^cloud-init\/templates\/web\.yaml:2:.*sever/m);
});

/** Text that no compressor makes smaller than half: digests in hex. */
function incompressible(bytes: number): string {
  const digests = Array.from({ length: bytes / 64 }, (_, index) => sha256(String(index)));
  return digests.map((digest) => `# ${digest}\n`).join("");
}

test("user-data over 16 KiB is compressed, and refused when that is not enough", async () => {
  const valid = shopFiles(replace("template", "hostname", `${incompressible(20_000)}hostname`));
  expect(await faults(valid)).toEqual([]);
  const files = shopFiles(replace("template", "hostname", `${incompressible(40_000)}hostname`));
  expect((await faults(files)).join("\n")).toMatch(
    /web\.yaml:1:1: user-data .* has 2\d{4} bytes, compressed, over EC2's limit of 16384/,
  );
});

test("user-data that is no YAML is one fault of its template, whatever servers share it", async () => {
  const files = shopFiles(replace("template", "hostname:", "hostname: [\nb:"));
  expect(await faults(files)).toEqual([
    expect.stringMatching(/web\.yaml:\d+:\d+: this user-data is not valid YAML at /),
  ]);
});

test("a script is no cloud-config, and cloud-init is not asked about its schema", async () => {
  const files = shopFiles(replace("template", "#cloud-config\n", "#!/bin/sh\n#"));
  const asked: string[] = [];
  const validation = await validate({
    files,
    environments: [],
    askCloudInit: async (text) => {
      asked.push(text);
      return { kind: "valid" };
    },
  });
  expect(validation.faults).toEqual([]);
  expect(asked.filter((text) => !text.startsWith("#cloud-config"))).toEqual([]);
});

test("cloud-init's complaint is placed at the key that it names", async () => {
  const files = shopFiles(replace("template", "hostname:", "runcmd: 5\nhostname:"));
  const complaint = { keys: ["runcmd"], message: "5 is not of type 'array'" };
  const { faults } = await validate({
    files,
    environments: [],
    askCloudInit: async (text) =>
      text.includes("runcmd: 5") ? { kind: "invalid", complaints: [complaint] } : { kind: "valid" },
  });
  expect(faults.map(formatFault)).toEqual([
    expect.stringMatching(/web\.yaml:2:\d+: cloud-init rejects this user-data: runcmd: 5 is not of type/),
  ]);
});

test("a file that nothing reads is told of", async () => {
  const files = new Map(shopFiles());
  files.set("configs/environments/prod.yml", { content: Buffer.from("version: 1\n"), mode: "0644" });
  expect(await faults(files)).toEqual([
    expect.stringMatching(/^configs\/environments\/prod\.yml:1:1: nothing reads/),
  ]);
});

test("cloud-init's complaints are taken apart", () => {
  const said =
    "Cloud config schema errors: runcmd: 5 is not of type 'array', write_files.0: 'path' is a required property\n\nError: Invalid schema: user-data\n";
  expect(readComplaints(said)).toEqual([
    { keys: ["runcmd"], message: "5 is not of type 'array'" },
    { keys: ["write_files", 0], message: "'path' is a required property" },
  ]);
});

test("the command prints each fault with its place, and ends with 2", async () => {
  const project = mkdtempSync(join(tmpdir(), "rekindle-validate-"));
  try {
    for (const path of ["configs", "cloud-init", "cdktf.json", "package.json"])
      cpSync(path, join(project, path), { recursive: true });
    writeFileSync(join(project, "configs/roles/web/role.yaml"), "version: 1\nimege: {}\n");
    const finished = await run(process.execPath, [resolve("bin/rekindle.js"), "validate", "shop"], {
      cwd: project,
      timeoutMs: 60_000,
    });
    expect(finished.ending).toEqual({ kind: "exited", code: 2 });
    expect(finished.stdout + finished.stderr).toContain(
      'configs/roles/web/role.yaml:2:1: unknown key "imege"',
    );
  } finally {
    rmSync(project, { recursive: true });
  }
});
