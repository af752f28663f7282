import type { Topology } from "../config/schema.ts";
import { driftTargets, type LiveServer, type Target } from "../drift/targets.ts";
import { RekindleError } from "../errors.ts";

/** Tells which servers of the environment run in one region. */
type Look = () => Promise<LiveServer[]>;

const sshPrefix = "ssh:";

/**
 * Finds the server that files go to: `ssh:<host>`, or a running one of the role as `drift` names it. A region that does
 * not answer may be where it runs too: that is refused, unless an instance was named, which is in one region only.
 */
export async function findFilesServer(
  { roles }: Topology,
  role: string,
  name: string,
  regions: readonly Look[],
): Promise<Target> {
  if (name.startsWith(sshPrefix)) {
    const host = name.slice(sshPrefix.length);
    if (/^[A-Za-z0-9][\w.@:-]*$/.test(host)) return { kind: "ssh", role, name, host };
    throw new RekindleError(
      "bad-input",
      `${JSON.stringify(name)} names no host; write ssh:<host as ssh knows it>`,
    );
  }
  const { live, silent } = await look(regions);
  const { targets } = driftTargets(new Map([[role, roles[role]?.collect?.sources ?? []]]), live);
  const instance = targets.find((one) => one.kind === "ssm" && one.instance === name);
  if (instance !== undefined) return instance;
  if (silent !== undefined) {
    if (regions.length === 1) throw silent;
    const move = `if ${name} runs in the other region, name that one with --region`;
    throw new RekindleError("unreachable", `${silent.message}; ${move}`, { cause: silent });
  }
  const found = targets.filter((one) => one.name === name);
  if (found.length === 1) return found[0]!;
  const known = targets.map((one) =>
    one.kind === "ssm" ? `${one.name} (${one.instance} in ${one.region})` : one.name,
  );
  throw new RekindleError(
    "bad-input",
    found.length > 1
      ? `${name} runs more than once; name its instance: ${known.join(", ")}`
      : `no server ${JSON.stringify(name)} of role ${role} is known; ` +
          `${known.length === 0 ? "none runs" : `name one of ${known.join(", ")}`}, or write ssh:<host as ssh knows it>`,
  );
}

async function look(
  regions: readonly Look[],
): Promise<{ live: LiveServer[]; silent: RekindleError | undefined }> {
  let silent: RekindleError | undefined;
  const looks = await Promise.all(
    regions.map((servers) =>
      servers().catch((error: unknown) => {
        if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
        silent = error;
        return [];
      }),
    ),
  );
  return { live: looks.flat(), silent };
}
