import { describe, expect, it } from "vitest";
import { compareSides } from "../../bootstrap/history/compare.ts";
import { unified } from "../../bootstrap/history/unified.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile } from "../builders.ts";

const mask = (_path: string, text: string) => text.replace(/hunter\d/g, "********");
const show = (before: TreeEntry[], after: TreeEntry[], isLive = false) => {
  const side = (tree: TreeEntry[]) => ({ name: "x", isLive, roles: { web: { tree } } });
  return unified(compareSides(side(before), side(after)), mask);
};
const lines = (...numbers: number[]) => numbers.map((number) => `line ${number}\n`).join("");

describe("a unified text", () => {
  it("is as git's, with three lines of context", () => {
    const before = lines(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(show([aFile("etc/a", before)], [aFile("etc/a", before.replace("line 5", "line five"))])).toEqual([
      "diff --git a/web/etc/a b/web/etc/a",
      "--- a/web/etc/a",
      "+++ b/web/etc/a",
      "@@ -2,7 +2,7 @@",
      " line 2",
      " line 3",
      " line 4",
      "-line 5",
      "+line five",
      " line 6",
      " line 7",
      " line 8",
    ]);
  });

  it("of an added file begins at nothing", () => {
    expect(show([], [aFile("etc/a", "one\ntwo\n")])).toEqual([
      "diff --git a/web/etc/a b/web/etc/a",
      "new file mode 0644, owner root:root",
      "--- /dev/null",
      "+++ b/web/etc/a",
      "@@ -0,0 +1,2 @@",
      "+one",
      "+two",
    ]);
  });

  it("of a removed link names where it led", () => {
    const link: TreeEntry = { kind: "link", path: "etc/l", target: "/x", owner: "root", group: "root" };
    expect(show([link], [])).toEqual([
      "diff --git a/web/etc/l b/web/etc/l",
      "deleted link to /x, owner root:root",
    ]);
  });

  it("names modes, owners and targets in its header", () => {
    const after = { ...aFile("etc/a", "a\n", "0600"), owner: "app" } as TreeEntry;
    expect(show([aFile("etc/a", "a\n")], [after])).toEqual([
      "diff --git a/web/etc/a b/web/etc/a",
      "old mode 0644",
      "new mode 0600",
      "old owner root:root",
      "new owner app:root",
    ]);
  });

  it.each<[string, Uint8Array]>([
    ["zero bytes", Buffer.from("a\0b")],
    ["no UTF-8", Buffer.from([0xff, 0xfe, 0x41])],
  ])("only names a binary file, such as one with %s", (_name, content) => {
    const after = { ...aFile("etc/a", ""), content } as TreeEntry;
    expect(show([aFile("etc/a", "text\n")], [after]).at(-1)).toBe("# binary files differ");
  });

  it("hides secrets, and says when nothing else differs", () => {
    const text = show([aFile("etc/a", "x\npassword hunter1\n")], [aFile("etc/a", "y\npassword hunter2\n")]);
    expect(text).toContain(" password ********");
    expect(show([aFile("etc/a", "hunter1\n")], [aFile("etc/a", "hunter2\n")]).at(-1)).toBe(
      "# only secrets differ, which are hidden",
    );
  });

  it("hides what two servers filled into a template", () => {
    const template = (text: string) => ({ ...aFile("etc/a", text), template: true }) as TreeEntry;
    const text = show([template("key=one\n")], [template("key=two\n")], true).join("\n");
    expect(text).toContain("stays hidden");
    expect(text).not.toContain("one");
  });

  it("shows control characters instead of sending them to the terminal", () => {
    const text = show([aFile("etc/a", "a\n")], [aFile("etc/a", "\x1b[31ma\r\n")]);
    expect(text).toContain("+^[[31ma^M");
  });

  it("tells a last line without an end from one with it", () => {
    expect(show([aFile("etc/a", "a")], [aFile("etc/a", "a\n")])).toContain("\\ No newline at end of file");
  });

  it("shows files that have too little in common as replaced, in no time", () => {
    const many = (word: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join("");
    const text = show([aFile("etc/a", many("a", 30_000))], [aFile("etc/a", `${many("b", 30_001)}end`)]);
    expect(text.slice(3, 5)).toEqual(["@@ -1,30000 +1,30002 @@", "-a 0"]);
    expect(text.slice(-3)).toEqual(["+b 30000", "+end", "\\ No newline at end of file"]);
    expect(show([], [aFile("etc/a", many("a", 30_000))])[4]).toBe("@@ -0,0 +1,30000 @@");
  });
});
