import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder that a script takes for a server's root, and programs that stand in for the server's own. */
export interface Server {
  root: string;
  file(path: string, content: string | Uint8Array, mode?: number): string;
  /** A shell script that comes before the machine's own program of that name. */
  program(name: string, script: string): void;
  read(path: string): string;
  /** Every file below the root with its mode and content. */
  contents(): Record<string, string>;
  run(shell: readonly string[], script: string, env?: Record<string, string>): Ran;
  remove(): void;
}

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function aServer(): Server {
  const folder = mkdtempSync(join(tmpdir(), "rekindle-server-"));
  const root = join(folder, "root");
  const programs = join(folder, "bin");
  mkdirSync(programs);
  const write = (path: string, content: string | Uint8Array, mode: number) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  return {
    root,
    file: (path, content, mode = 0o644) => write(join(root, path), content, mode),
    program: (name, script) => void write(join(programs, name), `#!/bin/sh\n${script}\n`, 0o755),
    read: (path) => readFileSync(join(root, path), "utf8"),
    contents() {
      const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) =>
        one.isFile(),
      );
      const described = entries.map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const mode = (statSync(path).mode & 0o777).toString(8);
        return [path.slice(root.length + 1), `${mode} ${readFileSync(path, "latin1")}`] as const;
      });
      return Object.fromEntries(described.sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    run(shell, script, env = {}) {
      const [command, ...args] = shell;
      const { status, stdout, stderr } = spawnSync(command!, [...args, "-c", script], {
        encoding: "utf8",
        // Bash takes a socket on its standard input for a remote shell's, and reads the user's own start files.
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: `${programs}:${process.env.PATH}`, REKINDLE_ROOT: root, TMPDIR: folder, ...env },
      });
      return { code: status, stdout, stderr };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What `sh` is on real servers, as far as it is on this machine: Debian's dash and Amazon Linux's bash. */
export const shells = withoutNone([["dash"], ["bash", "--posix"]]);

function withoutNone(known: string[][]): string[][] {
  const found = known.filter(([command]) => spawnSync(command!, ["-c", "true"]).status === 0);
  return found.length > 0 ? found : [["sh"]];
}
