import { spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";

/** A version manager's shim takes longer to start than what it starts; the tests start hundreds: they get the interpreter itself. */
export function setup(): void {
  const { status, stdout } = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], {
    encoding: "utf8",
  });
  if (status === 0) process.env.PATH = [dirname(stdout.trim()), process.env.PATH].join(delimiter);
}
