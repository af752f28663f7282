import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import { RekindleError } from "../errors.ts";
import { encodeJson } from "../json.ts";
import type { HistoryRecord } from "../release/history.ts";
import type { Pointer } from "../release/manifest.ts";

/** A pointer on its way to another release. */
export interface PointerMove {
  /** One for each region, the recovery region's first: its pointer is the one that counts. */
  catalogs: readonly Catalog[];
  /** The deciding pointer as it was when all of this began. */
  before: Awaited<ReturnType<Catalog["pointer"]>>;
  pointer: Pointer;
  /** Who does it and why, for the history. */
  said: Pick<HistoryRecord, "kind" | "author" | "subject" | "publisher" | "reason">;
  clock: Pick<Clock, "now">;
}

/**
 * The first catalog's pointer decides; the others hold copies of it for the day when that region is the lost one. A
 * move, and nothing else, is written to the history of every region, while the copies are made.
 */
export async function movePointer(move: PointerMove): Promise<"moved" | "unchanged"> {
  const [deciding, ...copies] = move.catalogs;
  const outcome = await swapPointer(deciding!, move);
  await Promise.all([
    ...copies.map((copy) => copyPointer(deciding!, copy)),
    outcome === "moved" ? record(move, move.before?.pointer.release) : recordIfMissing(move),
  ]);
  return outcome;
}

async function swapPointer(
  deciding: Catalog,
  { pointer, before }: PointerMove,
): Promise<"moved" | "unchanged"> {
  if (samePointer(before?.pointer, pointer)) return "unchanged";
  if ((await deciding.movePointer(pointer, before?.etag)) === "swapped") return "moved";
  const winner = (await deciding.pointer())?.pointer;
  if (!samePointer(winner, pointer)) throw pointerMoved(pointer, winner);
  return "unchanged";
}

/**
 * Copies what the deciding pointer says by now: another move may have overtaken this one, and its copy must stay. The
 * copy is read before the original, so a copy that changes in between is noticed by the swap.
 */
async function copyPointer(deciding: Catalog, copy: Catalog): Promise<void> {
  for (;;) {
    const held = await copy.pointer();
    const { pointer } = (await deciding.pointer())!;
    if (samePointer(held?.pointer, pointer)) return;
    if ((await copy.movePointer(pointer, held?.etag)) === "swapped") return;
  }
}

/** A move that was killed before it was recorded is recorded by whoever finds it made. */
async function recordIfMissing(move: PointerMove): Promise<void> {
  const newest = await Promise.all(move.catalogs.map((catalog) => catalog.newestMove()));
  const made = newest.find((one) => one?.release === move.pointer.release);
  if (made === undefined) return record(move, newest[0]?.release);
  const lacking = move.catalogs.filter((_, index) => newest[index]?.release !== made.release);
  await Promise.all(lacking.map((catalog) => catalog.writeHistory(made)));
}

async function record(
  { catalogs, pointer, said, clock }: PointerMove,
  previous: string | undefined,
): Promise<void> {
  const made: HistoryRecord = {
    version: 1,
    at: clock.now().toISOString(),
    kind: said.kind,
    release: pointer.release,
    commit: pointer.commit,
    author: said.author,
    subject: said.subject,
    publisher: said.publisher,
    previous: previous ?? null,
    reason: said.reason,
  };
  await Promise.all(catalogs.map((catalog) => catalog.writeHistory(made)));
}

function samePointer(a: Pointer | undefined, b: Pointer): boolean {
  return a !== undefined && encodeJson(a) === encodeJson(b);
}

function pointerMoved(ours: Pointer, theirs: Pointer | undefined): RekindleError {
  return new RekindleError(
    "refused",
    `the pointer of ${ours.environment} moved while commit ${ours.commit} was being made live: it now names commit ` +
      `${theirs?.commit ?? "of nothing"}; the release is uploaded and not live; ` +
      "look at both commits, then publish the one that should be live",
  );
}
