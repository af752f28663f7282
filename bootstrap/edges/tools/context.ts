import { join } from "node:path";

/** The machine as the search for tools sees it: everything that a test would want to change. */
export interface ToolContext {
  env: NodeJS.ProcessEnv;
  /** The project: its `terraform.d/plugins` counts. */
  root: string;
  /** Rekindle's own git-ignored folder, absolute. */
  stateDir: string;
  platform: NodeJS.Platform;
  /** In Node's words: `x64`, `arm64`. */
  arch: string;
  nodeVersion: string;
  /** Whether commands need `sudo` to install. */
  isAdministrator: boolean;
  /** Where software that the system's package manager does not own is put. */
  addOnFolders: readonly string[];
  /** Whether a web server answers within a few seconds. */
  reaches(url: string): Promise<boolean>;
  print(line: string): void;
}

export function thisMachine(
  root: string,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): ToolContext {
  return {
    env,
    root,
    stateDir: join(root, ".rekindle"),
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    isAdministrator: process.getuid?.() === 0,
    addOnFolders: ["/opt", "/usr/local", "/usr/lib", "/usr/share", "/srv", "/var/lib"],
    reaches,
    print,
  };
}

async function reaches(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(4_000) })).ok;
  } catch {
    return false;
  }
}
