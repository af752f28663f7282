import type { Clock } from "../edges/clock.ts";
import { succeeded } from "../edges/process.ts";
import type { Performance } from "../edges/stage.ts";
import { RekindleError } from "../errors.ts";
import type { BootReport } from "../history/log.ts";
import { decodeJson } from "../json.ts";
import { healthScript, nameOfCheck, wordsScript } from "../rehearsal/look.ts";
import type { HealthLook } from "../rehearsal/report.ts";
import type { ServerDuties } from "../release/manifest.ts";
import type { Journal } from "./journal.ts";

const betweenLooksMs = 500;
/** How long one look into the server may take. */
const lookLimitMs = 30_000;
const consoleLines = 20;

/** What a boot came to. */
export interface BootEnd {
  outcome: BootReport["outcome"];
  message: string;
  /** The server's own; nothing of one that did not get so far. */
  report?: BootReport;
}

/** Waits until the server's boot has come to something, and writes the step down as failed when that is no health. */
export async function boot(
  context: { clock: Clock; limitSeconds: number; signal: AbortSignal },
  performance: Performance,
  journal: Journal,
): Promise<BootEnd> {
  let end: BootEnd | undefined;
  await journal
    .step("boot", async () => {
      end = await ending(context, performance);
      if (end.outcome !== "healthy") throw new RekindleError("failed-check", end.message);
    })
    .catch((error: unknown) => {
      if (end === undefined) throw error;
    });
  if (context.signal.aborted) throw new RekindleError("tool-failed", "stopped");
  return end!;
}

async function ending(
  { clock, limitSeconds }: { clock: Clock; limitSeconds: number },
  { body, reported }: Performance,
): Promise<BootEnd> {
  let isOver = false;
  const failed = (message: string): BootEnd => ({ outcome: "failed", message });
  const watch = async (): Promise<BootEnd> => {
    const start = clock.monotonic();
    for (;;) {
      await clock.sleep(betweenLooksMs);
      // Another one has won.
      if (isOver) return failed("it is over");
      if (clock.monotonic() - start > limitSeconds * 1000)
        return failed(`its boot did not come to an end within ${limitSeconds} s`);
      const looked = await body.exec("test -e /run/cloud-init/result.json", { timeoutMs: lookLimitMs }).catch(
        // One that has stopped can't be looked into; that is told below.
        () => undefined,
      );
      // What was said last may still be on its way.
      if (looked !== undefined && succeeded(looked)) {
        await clock.sleep(betweenLooksMs);
        return failed("its user-data has run, and no rekindle-boot has reported");
      }
    }
  };
  const end = await Promise.race([
    reported.then((text): BootEnd => {
      const report = decodeJson<BootReport>("the report of its boot", text, 1);
      return { outcome: report.outcome, message: report.message, report };
    }),
    body.stopped.then(() => failed("it has stopped before its boot came to an end")),
    watch(),
  ]);
  isOver = true;
  return end;
}

/** Looks at a server after its boot, from inside, and at what it has said. */
export async function lookAround(
  { body, console }: Performance,
  duties: ServerDuties,
): Promise<{ health: HealthLook; said: string[]; console: string[] }> {
  const look = async (script: string) => {
    const gone = { passed: false, lines: ["it does not run any more"] };
    try {
      const finished = await body.exec(script, { timeoutMs: lookLimitMs });
      return { passed: succeeded(finished), lines: linesOf(finished.stdout || finished.stderr) };
    } catch {
      return gone;
    }
  };
  const [health, words] = [await look(healthScript(duties.health)), await look(wordsScript(duties))];
  return {
    health: {
      check: nameOfCheck(duties.health),
      passed: health.passed,
      answer: health.lines.at(-1) ?? "no answer",
    },
    said: duties.services.length === 0 ? [] : words.lines,
    console: linesOf(await console()).slice(-consoleLines),
  };
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}
