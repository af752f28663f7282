import { describe, expect, it } from "vitest";
import {
  gitBundle,
  gitBundles,
  missingSequences,
  nextSequence,
  restorable,
} from "../../bootstrap/history/git-bundles.ts";

const tip = (digit: string) => digit.repeat(40);

describe("the bundles of a bucket", () => {
  it("are named by a number of eight digits and their commit", () => {
    expect(gitBundle(12, tip("a")).key).toBe(`git/bundles/00000012-${tip("a")}.bundle`);
  });

  it("are read back from keys in the order in which they apply, and nothing else is", () => {
    const bundles = [
      gitBundle(1, tip("c")),
      gitBundle(2, tip("a")),
      gitBundle(2, tip("b")),
      gitBundle(10, tip("0")),
    ];
    const keys = bundles.map(({ key }) => key);
    const others = [
      "git/bundles/notes.txt",
      `git/bundles/1-${tip("a")}.bundle`,
      `bundles/${tip("a")}.bundle`,
    ];
    expect(gitBundles([...others, ...keys].reverse())).toEqual(bundles);
  });

  it("are numbered from 1, after the highest", () => {
    expect(nextSequence([])).toBe(1);
    expect(nextSequence([gitBundle(1, tip("a")), gitBundle(4, tip("b"))])).toBe(5);
  });

  it("show by their numbers that one is missing, and a new one builds on none after it", () => {
    const bundles = [gitBundle(2, tip("a")), gitBundle(3, tip("b"))];
    expect(missingSequences(bundles)).toEqual([1]);
    expect(restorable(bundles)).toEqual([]);
    const first = gitBundle(1, tip("c"));
    expect(missingSequences([first, ...bundles])).toEqual([]);
    expect(restorable([first, ...bundles])).toHaveLength(3);
  });
});
