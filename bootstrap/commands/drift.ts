import { HostFailure } from "../collect/failure.ts";
import { inParallel } from "../collect/in-parallel.ts";
import type { SourceRule } from "../collect/sources.ts";
import { type Checked, readCheck } from "../drift/check.ts";
import { type DriftReport, serverDrift } from "../drift/report.ts";
import { driftTargets, type LiveServer, type Target } from "../drift/targets.ts";
import type { HostShell } from "../edges/hosts/host-shell.ts";
import { RekindleError } from "../errors.ts";

export interface DriftContext {
  environment: string;
  /** The roles to look at, and where each is collected from. */
  sources: ReadonlyMap<string, readonly SourceRule[]>;
  /** Each region, and the environment's servers that it says it has. */
  regions: readonly { region: string; liveServers(): Promise<LiveServer[]> }[];
  connect(target: Target): HostShell;
  /** How many servers are looked at at a time. */
  jobs: number;
}

/** Asks each live server how it differs from its release, and changes nothing on it. One that fails stops no other. */
export async function lookForDrift(context: DriftContext): Promise<DriftReport> {
  const { environment, sources, regions, connect, jobs } = context;
  const looks = await Promise.all(regions.map(listRegion));
  const { targets, notAsked } = driftTargets(
    sources,
    looks.flatMap(({ servers }) => servers),
  );
  const servers = await inParallel(jobs, targets, async (target) =>
    serverDrift(target, await check(target, environment, connect)),
  );
  return {
    version: 1,
    environment,
    servers,
    unlisted: looks.flatMap(({ unlisted }) => unlisted),
    notAsked,
  };
}

async function listRegion({ region, liveServers }: DriftContext["regions"][number]) {
  try {
    return { servers: await liveServers(), unlisted: [] };
  } catch (error) {
    return { servers: [], unlisted: [{ region, message: foreseen(error).message }] };
  }
}

/** Wherever its image put it; root's PATH under sudo may lack /usr/local. */
const checkScript = `boot=$(command -v rekindle-boot) || boot=/usr/local/sbin/rekindle-boot
[ -x "$boot" ] || { echo "it has no rekindle-boot, as golden images have; bake its image, and roll it" >&2; exit 127; }
exec "$boot" --check
`;

async function check(
  target: Target,
  environment: string,
  connect: DriftContext["connect"],
): Promise<Checked | HostFailure> {
  try {
    return readCheck(await connect(target)(checkScript), { environment, role: target.role });
  } catch (error) {
    return foreseen(error);
  }
}

/** What one server or region has against being looked at. A fault of our own is none of that. */
function foreseen(error: unknown): HostFailure {
  if (error instanceof HostFailure) return error;
  const isAwsError = error instanceof Error && "$metadata" in error;
  if (error instanceof RekindleError || isAwsError)
    return new HostFailure("failed", error.message, { cause: error });
  throw error;
}
