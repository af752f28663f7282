import type { ReleaseReference } from "./manifest.ts";

/** What git says of a commit, as far as a history needs it. */
export interface CommitDescription {
  /** `date` in ISO 8601, with the author's own offset. */
  author: { name: string; email: string; date: string };
  subject: string;
}

/**
 * One move of the environment's pointer: `history/<time>-<release>.json`, the same in every region. Written once, after
 * the move.
 */
export interface HistoryRecord extends ReleaseReference, CommitDescription {
  version: 1;
  /** When the pointer had moved, in ISO 8601 and UTC. */
  at: string;
  kind: "publish" | "rollback";
  /** ARN of whoever moved it, as AWS knows them. */
  publisher: string;
  /** The release that was live before; none the first time. */
  previous: string | null;
  /** Why; a rollback always has one. */
  reason: string | null;
}

export const historyPrefix = "history/";

/** Sorted by time, so that a listing is in order. */
export function historyKey({ at, release }: Pick<HistoryRecord, "at" | "release">): string {
  return `${historyPrefix}${compact(at)}-${release}.json`;
}

/** The release that was live at a moment, by a sorted listing alone. */
export function releaseInKeys(keys: readonly string[], moment: string): string | undefined {
  const until = compact(moment);
  const moves = keys.flatMap((key) => {
    const [, at, release] = /^history\/([^-]+)-(.+)\.json$/.exec(key) ?? [];
    return at !== undefined && release !== undefined && at <= until ? [release] : [];
  });
  return moves.at(-1);
}

function compact(moment: string): string {
  return moment.replace(/[-:.]/g, "");
}

/**
 * The release that was live when this one was last published. Not the one before in time: after a rollback that one is
 * the release which was rolled back, and to go back once more is to go further back.
 */
export function releaseBefore(newestFirst: readonly HistoryRecord[], release: string): string | undefined {
  const published = newestFirst.find((record) => record.kind === "publish" && record.release === release);
  return published?.previous ?? undefined;
}
