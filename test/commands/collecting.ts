import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type SimpleGit, simpleGit } from "simple-git";
import { collectRules, hostOf, type SourceRule } from "../../bootstrap/collect/sources.ts";
import { type CollectContext, collect } from "../../bootstrap/commands/collect.ts";
import { gitCommits } from "../../bootstrap/edges/git-commit.ts";
import { openAside } from "../../bootstrap/edges/hosts/aside.ts";
import { folderSource } from "../../bootstrap/edges/hosts/folder.ts";
import type { Source } from "../../bootstrap/edges/hosts/source.ts";
import { sshSource } from "../../bootstrap/edges/hosts/ssh.ts";

/** A project in git and hosts to collect from, in a folder of their own. */
export interface Bench {
  folder: string;
  root: string;
  git: SimpleGit;
  lines: string[];
  /** Writes a role's collect section and commits it. */
  role(name: string, rules: Record<string, unknown>): Promise<void>;
  /** A folder that stands for a host's root, with some files; gives its path. */
  host(name: string, files: Record<string, string | Buffer>): Promise<string>;
  collect(options?: Options): ReturnType<typeof collect>;
  /** A file as the newest commit has it. */
  committed(path: string): Promise<string | undefined>;
  commits(): Promise<number>;
  remove(): Promise<void>;
}

export interface Options extends Partial<CollectContext> {
  sshConfig?: string;
  timeoutMs?: number;
  connect?: (source: SourceRule) => Source | undefined;
}

export async function aBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-collect-"));
  const root = join(folder, "project");
  await mkdir(root);
  const git = simpleGit(root);
  await git.init();
  await git.addConfig("user.name", "Test").addConfig("user.email", "test@example.com");
  const roles = new Map<string, string>();
  const lines: string[] = [];
  const bench: Bench = {
    folder,
    root,
    git,
    lines,
    async role(name, rules) {
      const text = JSON.stringify({
        version: 1,
        image: { base: { ssmParameter: "/base/image" } },
        health: { kind: "tcp", port: 80 },
        collect: rules,
      });
      roles.set(name, text);
      await put(root, { [`configs/roles/${name}/role.yaml`]: text, ".gitignore": ".rekindle/\n*.log\n" });
      await git.add(".");
      await git.commit("a role");
    },
    async host(name, files) {
      const path = join(folder, "hosts", name);
      await mkdir(path, { recursive: true });
      await put(path, files);
      return path;
    },
    async collect({ sshConfig, timeoutMs = 30_000, connect, ...changes } = {}) {
      const patience = { timeoutMs, signal: new AbortController().signal };
      const source = (rule: SourceRule): Source =>
        connect?.(rule) ??
        ("folder" in rule
          ? folderSource(rule.host, rule.folder, patience)
          : sshSource(hostOf(rule), { ...patience, sshConfig }));
      const state = join(root, ".rekindle", "collect");
      return collect({
        root,
        roles: [...collectRules(roles, [])].map(([role, rules]) => ({
          role,
          rules,
          hosts: rules.sources.map(hostOf),
          sources: rules.sources.map(source),
        })),
        commits: gitCommits(root, state),
        aside: await openAside(join(state, "aside")),
        intentionFile: join(state, "intention.json"),
        findSecrets: () => [],
        jobs: 8,
        announce: undefined,
        print: (line) => void lines.push(line),
        ...changes,
      });
    },
    committed: (path) => git.show([`HEAD:${path}`]).catch(() => undefined),
    commits: async () => Number((await git.raw(["rev-list", "--count", "HEAD"])).trim()),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  return bench;
}

export async function put(root: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
