import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ToolContext } from "../../../bootstrap/edges/tools/context.ts";

/** A machine with nothing on it but what a test puts there. */
export interface Machine {
  context: ToolContext;
  printed: string[];
  root: string;
  /** A file below the machine's root; gives its path. */
  file(path: string, content: string): Promise<string>;
  /** A shell script on PATH. */
  program(name: string, script: string): Promise<string>;
  remove(): Promise<void>;
}

export async function bareMachine(change: Partial<ToolContext> = {}): Promise<Machine> {
  const root = await mkdtemp(join(tmpdir(), "rekindle-machine-"));
  const printed: string[] = [];
  const file = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    return join(root, path);
  };
  return {
    root,
    printed,
    file,
    async program(name, script) {
      const path = await file(join("bin", name), `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
      return path;
    },
    remove: () => rm(root, { recursive: true, force: true }),
    context: {
      env: { PATH: join(root, "bin"), HOME: join(root, "home"), XDG_DATA_DIRS: join(root, "share") },
      root: join(root, "project"),
      stateDir: join(root, "project", ".rekindle"),
      platform: "linux",
      arch: "x64",
      nodeVersion: "20.11.0",
      isAdministrator: false,
      addOnFolders: [join(root, "opt"), join(root, "srv")],
      reaches: async () => false,
      print: (line) => printed.push(line),
      ...change,
    },
  };
}

export const terraformScript = (version = "1.11.4", name = "Terraform") => `echo "${name} v${version}"`;

export const unpackedProvider = (mirror: string, host = "registry.terraform.io") =>
  `${mirror}/${host}/hashicorp/aws/5.100.0/linux_amd64/terraform-provider-aws_v5.100.0_x5`;
