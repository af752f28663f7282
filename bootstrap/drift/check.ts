import { z } from "zod";
import { HostFailure } from "../collect/failure.ts";

const difference = z.object({
  path: z.string(),
  /** What differs: `missing`, `content`, `mode`, `owner`, `link`, `extra`, `type`, `release`; `service` is ours. */
  kind: z.string(),
  expected: z.string().nullable(),
  found: z.string().nullable(),
});

/** What `rekindle-boot --check` prints. */
const answer = z.object({
  version: z.literal(1),
  environment: z.string(),
  role: z.string(),
  server: z.string(),
  release: z.string(),
  drift: z.array(difference),
  services: z.array(z.object({ unit: z.string(), active: z.string(), enabled: z.string() })),
});

export type Difference = z.infer<typeof difference>;
type CheckAnswer = z.infer<typeof answer>;

/** How a live server differs from its release, its services among it. */
export interface Checked extends Pick<CheckAnswer, "server" | "release"> {
  drift: Difference[];
}

/** Reads what a check said. One that failed, contradicts itself or is another server's has looked at nothing. */
export function readCheck(
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
  asked: { environment: string; role: string },
): Checked {
  if (code !== 0 && code !== 1)
    throw new HostFailure(
      "failed",
      stderr.replace(/^rekindle-boot: /, "") || `its check exited with ${code}`,
    );
  const said = parse(stdout);
  for (const name of ["environment", "role"] as const) {
    if (said[name] === asked[name]) continue;
    throw new HostFailure(
      "failed",
      `it says that it is of ${name} ${JSON.stringify(said[name])} and not ${JSON.stringify(asked[name])}; look who answers in its place`,
    );
  }
  if ((code === 1) !== said.drift.length > 0)
    throw new HostFailure(
      "failed",
      `its check exited with ${code} and tells ${said.drift.length} differences; run rekindle-boot --check there`,
    );
  const { server, release, drift, services } = said;
  return { server, release, drift: [...drift, ...services.flatMap(serviceDrift)] };
}

function parse(text: string): CheckAnswer {
  try {
    return answer.parse(JSON.parse(text));
  } catch (cause) {
    const start = JSON.stringify(text.trim().split("\n")[0]!.slice(0, 80));
    throw new HostFailure(
      "failed",
      `its check's answer can't be read: ${start}; use the Rekindle that baked its image, or bake anew`,
      { cause },
    );
  }
}

/** A release's services are enabled and run. What is on its way up, and what systemd does not tell, is no drift. */
function serviceDrift({ unit, active, enabled }: CheckAnswer["services"][number]): Difference[] {
  const differs = (expected: string, found: string) => ({ path: unit, kind: "service", expected, found });
  return [
    ...(["inactive", "failed", "deactivating"].includes(active) ? [differs("active", active)] : []),
    ...(["disabled", "masked"].includes(enabled) ? [differs("enabled", enabled)] : []),
  ];
}
