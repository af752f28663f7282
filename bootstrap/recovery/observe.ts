import type { Freeze } from "../config/quiesce-schema.ts";
import type { Observation } from "./point.ts";
import type { Told } from "./told.ts";

/** What became of the thaw: the server's own word, or why that could not be had. */
export type Thawed = { kind: "told"; told: Told } | { kind: "unknown"; reason: string };

/** What a snapshot that was taken between a freeze and a thaw is worth: only what the server told counts. */
export function observeHold(quiesce: Freeze, frozen: Told, thawed: Thawed): Observation {
  // The thaw's answer begins with the freeze's.
  const told = thawed.kind === "told" && thawed.told.held !== undefined ? thawed.told : frozen;
  const torn = reasonsForCrash(frozen, thawed);
  const failed = told.ran.filter(({ what, exitCode }) => exitCode !== 0 && !what.startsWith("fsfreeze "));
  const onlyFrozen = failed.map(({ what, exitCode }) => `${what} ended with ${exitCode}`);
  const label = torn.length > 0 ? "crash" : isOnlyFrozen(quiesce, onlyFrozen) ? "filesystem" : "application";
  const { held, released, position, notes, ran } = told;
  return {
    label,
    ran,
    ...(held === undefined || released === undefined
      ? {}
      : { frozen: { from: held, until: released.until } }),
    ...(position === undefined ? {} : { position }),
    ...(notes.length === 0 ? {} : { notes }),
    reasons: [...torn, ...onlyFrozen],
  };
}

function isOnlyFrozen({ kind }: Freeze, failed: readonly string[]): boolean {
  return kind === "filesystem" || failed.length > 0;
}

/** Why nobody can say that nothing was written while the snapshot was taken. */
function reasonsForCrash(frozen: Told, thawed: Thawed): string[] {
  if (frozen.held === undefined)
    return [`it could not be made quiet: ${frozen.failed ?? "it did not say why"}`];
  if (thawed.kind === "unknown")
    return [`whether it stayed quiet is not known, and the server lets it go on by itself: ${thawed.reason}`];
  const { released, lost } = thawed.told;
  if (released === undefined) return ["the server knew of no hold when it was to let it go"];
  if (released.by !== "thaw")
    return [
      `the server's watchdog let it go on at ${released.until}, before the snapshot was known to be taken`,
    ];
  return lost.map((mount) => `${mount} had not stayed frozen until it was thawed`);
}
