import type { Fault } from "../errors.ts";
import { type ConfigFiles, environmentPath, rolePath } from "./files.ts";

/** Files that look like environments or roles and that nothing would ever read: most often a misspelt name. */
export function strayFiles(files: ConfigFiles): Fault[] {
  const paths = [...files.keys()];
  const environments = paths
    .filter((path) => path.startsWith("configs/environments/"))
    .filter((path) => !/^[^/]+\.yaml$/.test(path.slice("configs/environments/".length)))
    .map((path) => stray(path, `environments are files such as ${environmentPath("shop")}`));
  const withoutRole = new Map<string, string>();
  for (const path of paths) {
    const role = /^configs\/roles\/([^/]+)\//.exec(path)?.[1];
    if (role !== undefined && !files.has(rolePath(role)) && !withoutRole.has(role))
      withoutRole.set(role, path);
  }
  const roles = [...withoutRole].map(([role, path]) => stray(path, `there is no ${rolePath(role)}`));
  return [...environments, ...roles];
}

function stray(file: string, reason: string): Fault {
  return {
    place: { file, line: 1, column: 1 },
    message: `nothing reads this file: ${reason}`,
    move: "rename it, or remove it",
  };
}
