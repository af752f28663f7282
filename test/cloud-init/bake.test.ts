import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type BakeRecipe, renderBakeUserData, successMark } from "../../cloud-init/bake.ts";
import { aServer, type Ran, type Server, shells } from "./sandboxed-server.ts";

const digest = "0123456789abcdef".repeat(4);

function aRecipe(changes: Partial<BakeRecipe> = {}): BakeRecipe {
  return {
    packages: ["nginx"],
    files: [{ path: "/opt/shop/shop.py", mode: "0755", content: Buffer.from("print('shop')\n") }],
    bootScript: Buffer.from("#!/bin/sh\n"),
    recipeDigest: digest,
    ...changes,
  };
}

interface CloudConfig {
  packages: string[];
  write_files: { path: string; permissions: string; encoding: string; defer: boolean; content: string }[];
  power_state: { mode: string; condition: string[] };
}

const rendered = (recipe = aRecipe()) => parse(renderBakeUserData(recipe)) as CloudConfig;
const contentOf = (path: string, recipe = aRecipe()) =>
  gunzipSync(
    Buffer.from(rendered(recipe).write_files.find((file) => file.path === path)!.content, "base64"),
  ).toString();

describe("a builder's user-data", () => {
  it("begins as cloud-init wants it", () => {
    expect(renderBakeUserData(aRecipe())).toMatch(/^#cloud-config\n/);
  });

  it("is the same for the same recipe", () => {
    expect(renderBakeUserData(aRecipe())).toBe(renderBakeUserData(aRecipe()));
  });

  it("installs the packages, the files and the boot script", () => {
    const { packages, write_files } = rendered();
    expect(packages).toEqual(["nginx"]);
    expect(contentOf("/opt/shop/shop.py")).toBe("print('shop')\n");
    expect(write_files.map(({ path, permissions, defer }) => [path, permissions, defer])).toEqual([
      ["/opt/shop/shop.py", "0755", true],
      ["/usr/local/sbin/rekindle-boot", "0755", true],
      ["/run/rekindle-bake-finish", "0755", true],
    ]);
  });

  it("has the success mark in full, which the sandbox's stand-in looks for", () => {
    expect(renderBakeUserData(aRecipe())).toContain(successMark(digest));
    expect(successMark(digest)).toBe(`rekindle-bake-ok ${digest}`);
  });

  it("carries the boot script without its comments, which does the same", () => {
    const bootScript = readFileSync("cloud-init/boot");
    const carried = contentOf("/usr/local/sbin/rekindle-boot", aRecipe({ bootScript }));
    expect(carried).toMatch(/^#!\/bin\/sh\nset -eu\n/);
    expect(carried.split("\n").filter((line) => /^\s*#/.test(line))).toEqual(["#!/bin/sh"]);
    for (const shell of shells)
      expect(spawnSync(shell[0]!, ["-n"], { input: carried, encoding: "utf8" }).stderr).toBe("");
    const python = /<<'PYTHON'\n([\s\S]*)\nPYTHON/.exec(carried)![1]!;
    const compiles = "import ast, sys; ast.parse(sys.stdin.read())";
    expect(spawnSync("python3", ["-c", compiles], { input: python, encoding: "utf8" }).stderr).toBe("");
  });

  it("is taken with no package and no file", () => {
    expect(rendered(aRecipe({ packages: [], files: [] })).packages).toEqual([]);
  });
});

describe.each(
  shells.map((shell) => [shell.join(" "), shell] as const),
)("a builder that finishes in %s", (_name, shell) => {
  let server: Server;
  beforeEach(() => {
    server = aServer();
    server.program("dpkg-query", `[ "$3" = missing ] && exit 1; echo installed`);
    server.program("cloud-init", `echo "$*" > "$REKINDLE_ROOT/cleaned"`);
    server.file("opt/shop/shop.py", "print('shop')\n", 0o755);
    server.file("usr/local/sbin/rekindle-boot", "#!/bin/sh\n", 0o755);
    server.file("etc/machine-id", "0123\n");
    server.file("dev/console", "");
  });
  afterEach(() => server.remove());

  /** The condition that cloud-init asks for when it has ended; the script that it runs is taken from the server. */
  function finish(recipe = aRecipe()): Ran {
    const [, , command, name, mark] = rendered(recipe).power_state.condition;
    const script = server.file("run/rekindle-bake-finish", contentOf("/run/rekindle-bake-finish", recipe));
    const here = command!.replace("/run/rekindle-bake-finish", script);
    return server.run(shell, `set -- '${mark}'; : ${name}; ${here}`);
  }

  it("prints its mark on the console, cleaned", () => {
    expect(finish().code).toBe(0);
    expect(server.read("dev/console")).toBe(`${successMark(digest)}\n`);
    expect(server.read("cleaned")).toBe("clean --logs\n");
    expect(server.read("etc/machine-id")).toBe("");
  });

  it("names a package that is not installed, prints no mark, and powers off all the same", () => {
    expect(finish(aRecipe({ packages: ["nginx", "missing"] })).code).toBe(0);
    expect(server.read("dev/console")).toBe("rekindle-bake-failed: package missing is not installed\n");
  });

  it("names a file that is missing", () => {
    finish(aRecipe({ files: [{ path: "/opt/none", mode: "0644", content: Buffer.from("x") }] }));
    expect(server.read("dev/console")).toBe("rekindle-bake-failed: /opt/none is missing\n");
  });

  it("names a file that has another mode", () => {
    server.file("opt/shop/shop.py", "print('shop')\n", 0o644);
    finish();
    expect(server.read("dev/console")).toBe(
      "rekindle-bake-failed: /opt/shop/shop.py has mode 644 and not 0755\n",
    );
  });

  it("prints no mark when its state can't be cleaned", () => {
    server.program("cloud-init", "exit 1");
    finish();
    expect(server.read("dev/console")).toBe("rekindle-bake-failed: cloud-init can't be cleaned\n");
  });

  it("powers off even without its script", () => {
    const [, , command] = rendered().power_state.condition;
    expect(server.run(shell, command!.replace("/run/", `${server.root}/none/`)).code).toBe(0);
  });
});
