import { RekindleError } from "../../errors.ts";
import { describeEnding, run, succeeded } from "../process.ts";
import type { ToolContext } from "./context.ts";
import { onPath } from "./program.ts";

/** Installs Debian's packages, as root or through sudo. Refuses a system that is not Debian's, naming them. */
export async function installPackages(
  context: ToolContext,
  packages: readonly string[],
  policy = "/usr/sbin/policy-rc.d",
): Promise<void> {
  if ((await onPath(context, "apt-get")) === undefined) {
    throw new RekindleError(
      "missing-tool",
      `--setup installs packages of Debian and Ubuntu, and there is no apt-get here; install what Debian has in ${packages.join(", ")}, then run again`,
    );
  }
  const asRoot = context.isAdministrator ? [] : ["sudo", ...(process.stdin.isTTY ? [] : ["-n"])];
  const [command, ...args] = [...asRoot, "sh", "-c", script, "rekindle-setup", policy, ...packages];
  const finished = await run(command!, args, { env: context.env });
  if (succeeded(finished)) return;
  throw new RekindleError(
    "tool-failed",
    `${packages.join(", ")} could not be installed: apt-get ${describeEnding(finished.ending)}; install them by hand, then run again`,
    { details: finished.stderr.trim().split("\n").slice(-10) },
  );
}

/** Packages start none of the daemons that they bring: policy-rc.d forbids it meanwhile. */
const script = `
set -eu
policy=$1
shift
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod +x "$policy"
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
`;
