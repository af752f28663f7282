import { expect, it } from "vitest";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { chosenEntries, fileChanges, unmatched } from "../../bootstrap/restore/files.ts";
import { aFile } from "../builders.ts";

const tree = [
  aFile("etc/nginx/nginx.conf", "a"),
  aFile("etc/nginx/conf.d/b.conf", "b"),
  aFile("etc/hosts.allow", "c"),
];
const template = { ...aFile("etc/app.env", "key={{secret:app}}\nport=1\n"), template: true } as TreeEntry;
const brief = (...words: Parameters<typeof fileChanges>) =>
  fileChanges(...words).map(({ path, kinds }) => `${path} ${kinds.join("+")}`);
const live = { name: "db-0", isLive: true };
const folder = { name: "/tmp/x", isLive: false };

it("a path means what is below it, and a glob what it matches", () => {
  const paths = (...globs: string[]) => chosenEntries(tree, globs).map(({ path }) => path);
  expect(paths("/etc/nginx")).toEqual(["etc/nginx/nginx.conf", "etc/nginx/conf.d/b.conf"]);
  expect(paths("/etc/*.allow", "/etc/nginx/*.conf")).toEqual(["etc/nginx/nginx.conf", "etc/hosts.allow"]);
  expect(paths()).toHaveLength(3);
});

it("a path that means nothing is named", () => {
  expect(unmatched(tree, ["/etc/nginx", "/etc/ngnix"])).toEqual(["/etc/ngnix"]);
});

it("on a server content, mode and owner count, and a template that was filled in is no difference", () => {
  const wanted = [aFile("etc/a", "new"), aFile("etc/b", "b", "0600"), aFile("etc/c", "c"), template];
  const present = [
    aFile("etc/a", "old"),
    { ...aFile("etc/b", "b"), owner: "app" },
    aFile("etc/app.env", "key=hunter2\nport=1\n"),
  ];
  expect(brief("web", wanted, present, live)).toEqual([
    "/etc/a content",
    "/etc/b mode+owner",
    "/etc/c added",
  ]);
});

it("in a folder owners do not count, and templates are as they are", () => {
  const present = [{ ...template, owner: "1000", group: "1000", template: false } as TreeEntry];
  expect(brief("web", [template], present, folder)).toEqual([]);
  expect(brief("web", [template], [], folder)).toEqual(["/etc/app.env added"]);
});

it("what is there beside is left alone", () => {
  expect(brief("web", [aFile("etc/a", "a")], [aFile("etc/a", "a")], live)).toEqual([]);
});
