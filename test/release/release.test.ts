import { describe, expect, it } from "vitest";
import { recipeDigest } from "../../bootstrap/image/recipe.ts";
import { assembleRelease, type RoleSource } from "../../bootstrap/release/release.ts";
import { aRoleSource as aSource, aFile as file } from "../builders.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const name = async (source: RoleSource) => (await assembleRelease("shop", commit, { web: source })).release;

describe("a release", () => {
  it("is named by its commit and its content", async () => {
    expect(await name(aSource())).toMatch(/^0123456789ab-[0-9a-f]{12}$/);
    expect(await name(aSource())).toBe(await name(aSource()));
  });

  it.each<[string, Partial<RoleSource>]>([
    ["a file's content", { tree: [file("etc/a.conf", "changed"), file("etc/b.conf", "b")] }],
    ["a file's mode", { tree: [file("etc/a.conf", "a", "0755"), file("etc/b.conf", "b")] }],
    ["a file's path", { tree: [file("etc/c.conf", "a"), file("etc/b.conf", "b")] }],
    ["the user-data", { userData: [{ name: "web.yaml", content: "#cloud-config\n# changed\n" }] }],
    ["the recipe", { recipe: "r2" }],
  ])("has another name when %s changes", async (_what, change) => {
    expect(await name(aSource(change))).not.toBe(await name(aSource()));
  });

  it("lists every file with digest, mode and size, sorted", async () => {
    const { roles } = await assembleRelease("shop", commit, { web: aSource() });
    expect(roles.web!.files).toEqual([
      {
        kind: "file",
        path: "etc/a.conf",
        owner: "root",
        group: "root",
        mode: "0644",
        size: 1,
        sha256: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
      },
      {
        kind: "file",
        path: "etc/b.conf",
        owner: "root",
        group: "root",
        mode: "0644",
        size: 1,
        sha256: "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
      },
    ]);
  });
});

describe("a recipe's digest", () => {
  const recipe = {
    base: { owner: "136693071363", name: "debian-12-*" },
    rootVolumeGiB: 8,
    packages: ["nginx", "python3"],
    files: [],
    bootScript: Buffer.from("#!/bin/sh"),
  };

  it("does not depend on the order of packages", () => {
    expect(recipeDigest({ ...recipe, packages: ["python3", "nginx"] })).toBe(recipeDigest(recipe));
  });

  it("changes with the boot script that is baked in", () => {
    expect(recipeDigest({ ...recipe, bootScript: Buffer.from("#!/bin/sh\n") })).not.toBe(
      recipeDigest(recipe),
    );
  });
});
