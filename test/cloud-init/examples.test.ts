import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { validate } from "../../bootstrap/commands/validate.ts";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { userDataVariables } from "../../bootstrap/config/user-data.ts";
import { askCloudInit } from "../../bootstrap/edges/cloud-init.ts";
import { readConfigFiles } from "../../bootstrap/edges/config-files.ts";
import { renderTemplate } from "../../cloud-init/render.ts";
import { shells } from "./sandboxed-server.ts";

/** The examples that users start from, as they are in this work tree. */
let files: Awaited<ReturnType<typeof readConfigFiles>>;
beforeAll(async () => {
  files = await readConfigFiles(resolve("."));
});

const isInstalled = (program: string) => spawnSync(program, ["--version"]).error === undefined;

const examples = [
  ["shop", "web"],
  ["shop", "app"],
  ["shop", "db"],
  ["ledger", "ledger-app"],
] as const;

function topologyOf(environment: string) {
  const loaded = loadTopology(files, environment);
  if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));
  return loaded.topology;
}

function userData(environment: string, role: string): string {
  const template = Buffer.from(files.get("cloud-init/templates/server.yaml")!.content).toString();
  const pins = {
    site: "recovery" as const,
    region: "eu-central-1",
    release: { release: "aaaaaaaaaaaa-111111111111", commit: "a".repeat(40) },
    manifest: { bucket: "bucket", key: "key", versionId: "m1", sha256: "1".repeat(64) },
  };
  return renderTemplate(
    template,
    userDataVariables(topologyOf(environment), pins, { role, server: `${role}-0` }),
  );
}

describe("the examples", () => {
  it("are valid, with cloud-init's word where it is installed", async () => {
    const { faults, environments, cloudInitAsked } = await validate({
      files,
      environments: [],
      askCloudInit,
    });
    expect(faults).toEqual([]);
    expect(environments).toEqual(["ledger", "shop"]);
    expect(cloudInitAsked).toBe(isInstalled("cloud-init"));
  });

  it.each(examples)("of %s give role %s an identity that a shell can read", (environment, role) => {
    const { write_files, runcmd } = parse(userData(environment, role)) as {
      write_files: { path: string; content: string }[];
      runcmd: string[][];
    };
    expect(write_files[0]!.path).toBe("/etc/rekindle/identity");
    expect(runcmd).toEqual([["/usr/local/sbin/rekindle-boot"]]);
    const read = `${write_files[0]!.content}\nprintf '%s' "$REKINDLE_SERVER $REKINDLE_ROLE"`;
    const { stdout } = spawnSync(shells[0]![0]!, ["-c", read], { encoding: "utf8" });
    expect(stdout).toMatch(new RegExp(`^${role}-0 ${role}$`));
  });

  it("tell a server where the others are, by name and by role", () => {
    expect(userData("shop", "web")).toContain(
      "REKINDLE_HOSTS='app-0=10.20.10.16 app=10.20.10.16 db-0=10.20.10.17 db=10.20.10.17'",
    );
    expect(userData("ledger", "ledger-app")).toContain(
      "REKINDLE_DATABASES='ledger=/rekindle/ledger/recovery/databases/ledger/endpoint'",
    );
  });

  it.runIf(isInstalled("shellcheck"))("boot with a script that shellcheck has nothing against", () => {
    const { stdout, status } = spawnSync("shellcheck", ["--shell=sh", "cloud-init/boot"], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  it("carry programs that Python can compile", () => {
    for (const [path, { content }] of files) {
      if (!path.endsWith(".py")) continue;
      const check = "import ast, sys; ast.parse(sys.stdin.read())";
      const { status, stderr } = spawnSync("python3", ["-c", check], {
        input: Buffer.from(content),
        encoding: "utf8",
      });
      expect({ path, status, stderr }).toEqual({ path, status: 0, stderr: "" });
    }
  });

  it.each(["environment", "role"])("point editors at the schema of an %s", (kind) => {
    const folder = kind === "environment" ? "environments" : "roles";
    for (const path of files.keys()) {
      if (!path.startsWith(`configs/${folder}/`) || !/(role|environments\/[^/]+)\.yaml$/.test(path)) continue;
      const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(path, "utf8")) ?? [];
      expect(resolve(path, "..", schema ?? "none")).toBe(resolve(`configs/${kind}.schema.json`));
    }
  });
});
