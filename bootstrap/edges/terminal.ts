import type { Step } from "../gameday/report.ts";
import type { Clock } from "./clock.ts";

/** Shows a game day as it goes: a line that counts up on a terminal, plain lines elsewhere. */
export interface StepDisplay {
  started(name: string): void;
  ended(step: Step): void;
  /** A line of its own, above the one that counts. */
  print(line: string): void;
}

export function stepDisplay(out: NodeJS.WriteStream, clock: Clock): StepDisplay {
  return out.isTTY ? countingDisplay(out, clock) : plainDisplay(out);
}

function plainDisplay(out: NodeJS.WritableStream): StepDisplay {
  return {
    started: (name) => out.write(`${name} …\n`),
    ended: (step) => out.write(`${describe(step)}\n`),
    print: (line) => out.write(`  ${line}\n`),
  };
}

function countingDisplay(out: NodeJS.WriteStream, clock: Clock): StepDisplay {
  const clearLine = "\r\x1b[2K";
  let current: { name: string; since: number } | undefined;
  const draw = () => {
    if (current !== undefined)
      out.write(`${clearLine}… ${current.name} ${((clock.monotonic() - current.since) / 1000).toFixed(0)} s`);
  };
  const ticker = setInterval(draw, 1000);
  ticker.unref();
  return {
    started(name) {
      current = { name, since: clock.monotonic() };
      draw();
    },
    ended(step) {
      current = undefined;
      out.write(`${clearLine}${describe(step)}\n`);
    },
    print(line) {
      out.write(`${clearLine}  ${line}\n`);
      draw();
    },
  };
}

function describe({ name, seconds, outcome, error, onTheClock }: Step): string {
  const time = `${seconds.toFixed(1)} s${onTheClock ? ", on the clock" : ""}`;
  const why = (error ?? []).map((line) => `\n    ${line}`).join("");
  return `${outcome === "passed" ? "✓" : "✗"} ${name} (${time})${why}`;
}
