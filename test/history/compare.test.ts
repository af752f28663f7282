import { describe, expect, it } from "vitest";
import { compareSides, type RoleSide, type Side } from "../../bootstrap/history/compare.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile } from "../builders.ts";

const link = (target: string, owner = "root"): TreeEntry => ({
  kind: "link",
  path: "etc/x",
  target,
  owner,
  group: "root",
});
const directory = (mode: string): TreeEntry => ({
  kind: "directory",
  path: "etc/x",
  mode,
  owner: "root",
  group: "root",
});
const file = (changes: Partial<Extract<TreeEntry, { kind: "file" }>> = {}): TreeEntry =>
  ({ ...aFile("etc/x", "text"), ...changes }) as TreeEntry;
const aSide = (roles: Record<string, RoleSide>, isLive = false): Side => ({ name: "a", isLive, roles });
const ofWeb = (...tree: TreeEntry[]) => aSide({ web: { tree, userData: [] } });
const kindsOf = (before: Side, after: Side) => compareSides(before, after).map(({ kinds }) => kinds);

describe("a comparison names", () => {
  it.each<[string, TreeEntry[], TreeEntry[], string[][]]>([
    ["nothing, where all is the same", [file()], [file()], []],
    ["an added path", [], [file()], [["added"]]],
    ["a removed path", [link("/a")], [], [["removed"]]],
    ["another content", [file()], [file({ content: Buffer.from("other") })], [["content"]]],
    ["another mode", [file()], [file({ mode: "0600" })], [["mode"]]],
    ["another mode of a directory", [directory("0755")], [directory("0700")], [["mode"]]],
    ["another owner", [file()], [file({ owner: "app" })], [["owner"]]],
    ["another group", [file()], [file({ group: "app" })], [["owner"]]],
    ["another target", [link("/a")], [link("/b")], [["target"]]],
    ["a link's other owner", [link("/a")], [link("/a", "app")], [["owner"]]],
    ["another kind", [file()], [directory("0755")], [["kind"]]],
    ["that it became a template", [file()], [file({ template: true })], [["template"]]],
    [
      "all that changed of a path at once",
      [file()],
      [file({ content: Buffer.from("b"), mode: "0600", owner: "app" })],
      [["content", "mode", "owner"]],
    ],
  ])("%s", (_name, before, after, expected) => {
    expect(kindsOf(ofWeb(...before), ofWeb(...after))).toEqual(expected);
  });

  it("roles and paths in code point order", () => {
    const before = aSide({ web: { tree: [aFile("etc/\u{1f600}", "a"), aFile("etc/\uffee", "a")] } });
    const after = aSide({ db: { tree: [aFile("etc/a", "a")] } });
    expect(compareSides(before, after).map(({ role, path }) => `${role}:${path}`)).toEqual([
      "db:/etc/a",
      "web:/etc/\uffee",
      "web:/etc/\u{1f600}",
    ]);
  });
});

describe("user-data", () => {
  const withUserData = (content: string) =>
    aSide({ web: { tree: [], userData: [{ name: "w.yaml", content }] } });

  it("is compared by the name of its template", () => {
    expect(compareSides(withUserData("a"), withUserData("b"))).toMatchObject([
      { role: "web", path: "user-data/w.yaml", kinds: ["content"] },
    ]);
  });

  it("is left out against a live server, which has no templates", () => {
    expect(kindsOf(withUserData("a"), aSide({ web: { tree: [] } }, true))).toEqual([]);
  });

  it("of a role that one side lacks is added or removed", () => {
    expect(kindsOf(aSide({}), withUserData("a"))).toEqual([["added"]]);
  });
});

describe("a template", () => {
  const template = file({ template: true });
  const other = file({ template: true, content: Buffer.from("other") });

  it.each<[string, Side, Side, boolean]>([
    [
      "filled in on both servers is not to be shown",
      { ...ofWeb(template), isLive: true },
      { ...ofWeb(other), isLive: true },
      true,
    ],
    ["of two commits is text as any other", ofWeb(template), ofWeb(other), false],
    [
      "beside a server's, which is as the template, too",
      ofWeb(template),
      { ...ofWeb(other), isLive: true },
      false,
    ],
    [
      "filled in, which the other side has no template of, is not to be shown",
      ofWeb(),
      { ...ofWeb(other), isLive: true },
      true,
    ],
  ])("%s", (_name, before, after, expected) => {
    expect(compareSides(before, after)[0]!.isFilledIn).toBe(expected);
  });
});
