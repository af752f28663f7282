import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { simpleGit } from "simple-git";
import { afterAll, expect, test } from "vitest";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { sha256 } from "../../bootstrap/release/digest.ts";
import { canonicalTar } from "../../bootstrap/release/tar.ts";
import { roleTree, type TreeEntry } from "../../bootstrap/release/tree.ts";
import { readTar } from "../../bootstrap/release/untar.ts";

const folder = mkdtempSync(join(tmpdir(), "rekindle-clones-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

const name = fc.stringMatching(/^[a-zA-Z0-9 _.äé漢🙂-]{1,24}$/u).filter((text) => !/^[. ]+$/.test(text));
const node = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("file"),
      content: fc.uint8Array({ maxLength: 300 }),
      executable: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("link"), target: fc.stringMatching(/^[a-z./]{1,150}$/) }),
  },
);
/** Paths of one to three parts; the first part tells files from folders, so that none is both. */
const tree = fc.dictionary(
  fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => [`${parts.length}`, ...parts].join("/")),
  node,
  { minKeys: 1, maxKeys: 12 },
);

type Tree = typeof tree extends fc.Arbitrary<infer Value> ? Value : never;

/** Several roles at a time: making and cloning a repository takes most of the time. */
const roles = fc.array(tree, { minLength: 9, maxLength: 9 });

/** What one clone of the repository makes of each role. */
async function treesIn(repository: string, count: number): Promise<TreeEntry[][]> {
  const files = await gitRepository(repository).files("HEAD", ["configs"]);
  return Array.from({ length: count }, (_, index) => roleTree(files, `role-${index}`));
}

async function digestsOf(trees: readonly TreeEntry[][]): Promise<string[]> {
  return Promise.all(trees.map(async (entries) => sha256(await canonicalTar(entries))));
}

function write(origin: string, role: string, files: Tree): void {
  for (const [path, one] of Object.entries(files)) {
    const full = join(origin, "configs/roles", role, "files", path);
    mkdirSync(dirname(full), { recursive: true });
    if ("target" in one) symlinkSync(one.target, full);
    else {
      writeFileSync(full, one.content);
      chmodSync(full, one.executable ? 0o755 : 0o644);
    }
  }
}

async function git(...args: string[]): Promise<void> {
  const finished = await run("git", args);
  if (!succeeded(finished)) throw new Error(finished.stderr);
}

const otherSettings = ["--depth", "1", "-c", "core.autocrlf=true", "-c", "core.fileMode=false"];

test("two clones on different settings give the same bytes, and they unpack to what was committed", {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(roles, async (trees) => {
      const origin = join(folder, `origin-${count++}`);
      mkdirSync(origin);
      for (const [index, files] of trees.entries()) write(origin, `role-${index}`, files);
      const repository = simpleGit(origin);
      await repository.init().addConfig("user.name", "Test").addConfig("user.email", "test@example.com");
      await repository.raw("add", "--force", ".");
      await repository.commit("all");

      const committed = await treesIn(origin, trees.length);
      const digests = await digestsOf(committed);
      const shallow = `${origin}-shallow`;
      const umask = process.umask(0o077);
      const zone = process.env.TZ;
      process.env.TZ = "Pacific/Chatham";
      try {
        await git("clone", "-q", ...otherSettings, `file://${origin}`, shallow);
        expect(await digestsOf(await treesIn(shallow, trees.length))).toEqual(digests);
      } finally {
        process.umask(umask);
        if (zone === undefined) delete process.env.TZ;
        else process.env.TZ = zone;
      }

      for (const [index, entries] of committed.entries()) {
        expect(entries).toHaveLength(Object.keys(trees[index]!).length);
        const asWritten = entries.map((entry) =>
          entry.kind === "file" ? { ...entry, content: Buffer.from(entry.content) } : entry,
        );
        expect(await readTar(await canonicalTar(entries))).toEqual(asWritten);
      }
    }),
    { numRuns: 3 },
  );
});
