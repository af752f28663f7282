import { randomUUID } from "node:crypto";
import { HostFailure } from "../../collect/failure.ts";
import type { Clock } from "../clock.ts";
import type { Answered, HostShell } from "./host-shell.ts";

/**
 * A shell on a live server, as root, for a script that changes it. The script runs once, however often it must be
 * delivered; it goes on when the connection breaks, and whoever comes back hears how it ended. Of each output the end is told.
 */
export type ActingShell = (script: string) => Promise<Answered>;

const attempts = 3;
const pauseMs = 2_000;

/** On top of a shell that may run what it is given twice. */
export function actingShell(shell: HostShell, clock: Pick<Clock, "sleep">): ActingShell {
  return async (script) => {
    const delivery = deliveryOf(script, randomUUID());
    for (let attempt = 1; ; attempt++) {
      try {
        return readOutcome(await shell(delivery));
      } catch (error) {
        if (attempt === attempts || !isBrokenConnection(error)) throw error;
        await clock.sleep(pauseMs);
      }
    }
  };
}

/**
 * Whoever makes the act's folder starts it, in a session of its own, and everybody waits for its exit code. The folder
 * outlives a restart of the server: an act that was cut off by one is not begun again. Yesterday's are swept.
 */
function deliveryOf(script: string, id: string): string {
  return `acts=/var/lib/rekindle/acts
act=$acts/${id}
boot=$(cat /proc/sys/kernel/random/boot_id)
umask 077
mkdir -p $acts || exit 70
find $acts -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} +
if mkdir $act 2>/dev/null; then
  echo "$boot" >$act/boot
  base64 -d >$act/script <<'END' || exit 70
${wrapped(Buffer.from(script).toString("base64"))}
END
  setsid sh -c 'cd "$0"; (cd /; exec sh "$0/script") >stdout 2>stderr </dev/null; echo $? >code.new; rm -f script; mv code.new code' $act >/dev/null 2>&1 </dev/null &
  echo $! >$act/pid
fi
until [ -f $act/code ]; do
  if [ -s $act/pid ] && [ -s $act/boot ]; then
    if [ "$(cat $act/boot)" != "$boot" ] || ! kill -0 "$(cat $act/pid)" 2>/dev/null; then
      [ -f $act/code ] || echo 137 >$act/code
    fi
  fi
  sleep 0.1
done
cat $act/code
for output in stdout stderr; do tail -c 6000 $act/$output 2>/dev/null | base64 -w 0; echo; done
`;
}

function wrapped(text: string): string {
  return text.replace(/.{76}/g, "$&\n");
}

function readOutcome({ code, stdout, stderr }: Answered): Answered {
  const [ended, out, err] = stdout.split("\n");
  const exitCode = Number(ended);
  if (code !== 0 || ended === undefined || ended === "" || Number.isNaN(exitCode))
    throw new HostFailure(
      "failed",
      `a script could not be started there: ${stderr || stdout || "it said nothing"}`,
    );
  const text = (packed = "") => Buffer.from(packed, "base64").toString();
  const killed = exitCode === 137 ? "it was killed, or the server restarted\n" : "";
  return { code: exitCode, stdout: text(out), stderr: text(err) + killed };
}

function isBrokenConnection(error: unknown): boolean {
  return error instanceof HostFailure && ["refused", "cut-short"].includes(error.kind);
}
