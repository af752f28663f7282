import type { HostFailure } from "../collect/failure.ts";
import { RekindleError } from "../errors.ts";
import type { Checked, Difference } from "./check.ts";
import type { NotAsked, Target } from "./targets.ts";

/** One live server against its release. What could not be looked at has no `drift`: nobody knows. */
export type ServerDrift = Target &
  (
    | { outcome: "none" | "drift"; server: string; release: string; drift: Difference[] }
    | { outcome: "could-not-look"; failure: { kind: string; message: string } }
  );

export interface DriftReport {
  version: 1;
  environment: string;
  servers: ServerDrift[];
  /** Regions that do not say which servers they have. */
  unlisted: { region: string; message: string }[];
  notAsked: NotAsked[];
}

export function serverDrift(target: Target, look: Checked | HostFailure): ServerDrift {
  if (look instanceof Error) {
    const { kind, message } = look;
    return { ...target, outcome: "could-not-look", failure: { kind, message } };
  }
  return { ...target, outcome: look.drift.length === 0 ? "none" : "drift", ...look };
}

/** Why not all is well; nothing when every live server was looked at and is as its release. */
export function driftFailure({
  environment,
  servers,
  unlisted,
  notAsked,
}: DriftReport): RekindleError | undefined {
  const count = (outcome: ServerDrift["outcome"]) =>
    servers.filter((server) => server.outcome === outcome).length;
  const [drifted, unseen] = [count("drift"), count("could-not-look")];
  const said = [
    ...(drifted > 0 ? [`${drifted} of ${servers.length} servers differ from their release`] : []),
    ...(unseen > 0 ? [`${unseen} of ${servers.length} servers could not be looked at`] : []),
    ...unlisted.map(({ region }) => `which servers region ${region} has is not known`),
  ];
  if (said.length > 0) return new RekindleError("failed-check", `${environment}: ${said.join("; ")}`);
  if (servers.length > 0) return undefined;
  return new RekindleError(
    "failed-check",
    notAsked.length > 0
      ? `no live server of ${environment} could be asked; run rekindle-boot --check on each`
      : `no live server of ${environment} was found, so none was looked at; deploy one, or name it in its role's collect.sources`,
  );
}
