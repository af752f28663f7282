import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { literally, selection } from "../../bootstrap/collect/globs.ts";
import { put } from "../commands/collecting.ts";

const paths = [
  "/etc/app.conf",
  "/etc/app/a.conf",
  "/etc/app/a.conf.bak",
  "/etc/app/sub/b.conf",
  "/etc/app/sub/deep/c",
  "/etc/app+x/(d)",
  "/etc/[e]/f*g",
  "/etc/ä/h",
  "/var/app/i",
];

/** Globs, exclusions, and what they mean of the paths above. */
const cases: [globs: string[], exclude: string[], meant: string[]][] = [
  [["/etc/app.conf"], [], ["/etc/app.conf"]],
  [
    ["/etc/app"],
    [],
    ["/etc/app/a.conf", "/etc/app/a.conf.bak", "/etc/app/sub/b.conf", "/etc/app/sub/deep/c"],
  ],
  [["/etc/app/**"], ["/etc/app/*.bak"], ["/etc/app/a.conf", "/etc/app/sub/b.conf", "/etc/app/sub/deep/c"]],
  [["/etc/*.conf"], [], ["/etc/app.conf"]],
  [["/etc/**/*.conf"], [], ["/etc/app.conf", "/etc/app/a.conf", "/etc/app/sub/b.conf"]],
  [["/etc/app/s?b"], ["/etc/app/sub/deep"], ["/etc/app/sub/b.conf"]],
  [["/**/i", "/etc/app+x"], [], ["/etc/app+x/(d)", "/var/app/i"]],
  [["/etc/{ä,app+x}", "/{var,srv}/app"], [], ["/etc/app+x/(d)", "/etc/ä/h", "/var/app/i"]],
  [["/etc/app/[a-m].conf", "/etc/app/[!a].conf.bak"], [], ["/etc/app/a.conf"]],
  [[literally("/etc/[e]/f*g")], [], ["/etc/[e]/f*g"]],
];

describe("a selection of paths", () => {
  let root = "";
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "rekindle-globs-"));
    await put(root, Object.fromEntries(paths.map((path) => [path, ""])));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  /** The same question to find, which is who answers it on a host. */
  const found = ({ include, exclude, points }: ReturnType<typeof selection>) =>
    execFileSync(
      "find",
      [
        ...points.map((point) => (point === "/" ? "." : `.${point}`)),
        ...["-regextype", "posix-extended", "-regex", `\\.(${exclude})`, "-prune"],
        ...["-o", "-type", "f", "-regex", `\\.(${include})`, "-print"],
      ],
      { cwd: root, env: { ...process.env, LC_ALL: "C" }, stdio: ["ignore", "pipe", "ignore"] },
    );

  for (const [globs, exclude, meant] of cases) {
    const without = exclude.length === 0 ? "" : ` without ${exclude.join(" ")}`;
    it(`${globs.join(" ")}${without} means the same here and to find`, () => {
      const selected = selection(globs, exclude);
      expect(paths.filter(selected.has)).toEqual(meant);
      const there = { ...selected, points: selected.points.filter((point) => point !== "/srv/app") };
      const lines = found(there).toString().trim().split("\n");
      expect(lines.map((path) => path.slice(1)).sort()).toEqual([...meant].sort());
    });
  }

  it("begins a search as far down as it can, and nowhere twice", () => {
    expect(selection(["/etc/app/*.conf", "/etc/app/sub", "/var/lib/x"], []).points).toEqual([
      "/etc/app",
      "/var/lib/x",
    ]);
  });

  it("leaves out what the kernel makes up when everything is meant", () => {
    const { has } = selection(["/**"], []);
    expect([has("/etc/app"), has("/proc/1/environ"), has("/procedures")]).toEqual([true, false, true]);
  });
});
