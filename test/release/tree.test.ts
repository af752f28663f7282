import { describe, expect, test } from "vitest";
import type { ConfigFile, ConfigFiles } from "../../bootstrap/config/files.ts";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { formatFault } from "../../bootstrap/errors.ts";
import { restartedBy, roleTree } from "../../bootstrap/release/tree.ts";
import { shopFiles } from "../config/builders.ts";

const folder = "configs/roles/web/files/";
const file = (text: string, mode: ConfigFile["mode"] = "0644"): ConfigFile => ({
  content: Buffer.from(text),
  mode,
});

/** The shop with some files of role web, and what `files.yaml` says of them. */
function withFiles(files: Record<string, ConfigFile>, attributes?: string): ConfigFiles {
  const all = new Map(shopFiles());
  for (const [path, one] of Object.entries(files)) all.set(folder + path, one);
  if (attributes !== undefined)
    all.set("configs/roles/web/files.yaml", file(`version: 1\npaths:\n${attributes}`));
  return all;
}

function faultsOf(files: ConfigFiles): string[] {
  const loaded = loadTopology(files, "shop");
  return loaded.kind === "valid" ? [] : loaded.faults.map(formatFault);
}

describe("a role's tree", () => {
  test("is root's, with git's modes, where nothing else is said", () => {
    const files = withFiles({
      "etc/a": file("a"),
      "usr/run": file("b", "0755"),
      "etc/link": file("/etc/a", "link"),
    });
    const owned = { owner: "root", group: "root" };
    expect(roleTree(files, "web")).toEqual([
      { kind: "file", path: "etc/a", ...owned, mode: "0644", content: Buffer.from("a"), template: false },
      { kind: "link", path: "etc/link", ...owned, target: "/etc/a" },
      { kind: "file", path: "usr/run", ...owned, mode: "0755", content: Buffer.from("b"), template: false },
    ]);
  });

  test("has owners, modes, templates and empty directories from files.yaml", () => {
    const files = withFiles(
      { "etc/a": file("a") },
      `  /etc/a: { owner: app, group: "999", mode: "640", template: true }
  /etc/empty: { kind: directory, mode: "2775", group: app }
`,
    );
    expect(faultsOf(files)).toEqual([]);
    expect(roleTree(files, "web")).toMatchObject([
      { path: "etc/a", owner: "app", group: "999", mode: "0640", template: true },
      { kind: "directory", path: "etc/empty", owner: "root", group: "app", mode: "2775" },
    ]);
  });

  test("is sorted by bytes, as git sorts, and not by UTF-16", () => {
    const names = ["\u{1f642}", "\uffee", "z", "Z"];
    const files = withFiles(Object.fromEntries(names.map((name) => [name, file("")])));
    expect(roleTree(files, "web").map(({ path }) => path)).toEqual(["Z", "z", "\uffee", "\u{1f642}"]);
  });
});

describe("files.yaml is at fault", () => {
  const place = "configs/roles/web/files.yaml:3:3: ";
  test.for([
    [
      "a file that is not there",
      "  /etc/b: { owner: app }\n",
      `${place}/etc/b is no file of this role; add files/etc/b`,
    ],
    [
      "a directory that is not called one",
      "  /etc: { owner: app }\n",
      `${place}/etc is a directory; add kind: directory`,
    ],
    [
      "a directory that is a file",
      "  /etc/a: { kind: directory }\n",
      `${place}/etc/a is a directory here and a file in git`,
    ],
    [
      "a mode of a link",
      '  /etc/link: { mode: "0600" }\n',
      `${place}/etc/link is a symbolic link, which has an owner only`,
    ],
    [
      "a mode that YAML takes for a number",
      "  /etc/a: { mode: 0644 }\n",
      "mode is 644; give text: put it in quotes",
    ],
    ["a path that leads out", "  /etc/../a: { owner: app }\n", "can't be a name in paths"],
  ])("for %s", ([, attributes, expected]) => {
    const files = withFiles({ "etc/a": file("a"), "etc/link": file("a", "link") }, attributes);
    expect(faultsOf(files).join("\n")).toContain(expected);
  });
});

test.for([
  ["a line end", "etc/a\nb", "the file's name holds a control character"],
  ["bytes that are no UTF-8", "etc/a\ufffdb", "the file's name is not UTF-8"],
])("a name with %s is refused by name", ([, name, expected]) => {
  expect(faultsOf(withFiles({ [name!]: file("a") })).join("\n")).toContain(expected);
});

describe("a changed path restarts", () => {
  const role = {
    services: ["nginx.service", "app.service"],
    restarts: { "nginx.service": ["/etc/nginx/**"] },
  };

  test("all services where nothing narrows it", () => {
    expect(restartedBy({ services: ["a.service"], restarts: {} })("etc/x")).toBeUndefined();
    expect(restartedBy(role)("etc/nginx/conf.d/.hidden")).toBeUndefined();
  });

  test("only those whose files it is one of", () => {
    expect(restartedBy(role)("etc/app.env")).toEqual(["app.service"]);
    expect(restartedBy({ services: ["a.service"], restarts: { "a.service": ["/etc/a"] } })("etc/b")).toEqual(
      [],
    );
  });
});
