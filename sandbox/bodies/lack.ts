import { run, succeeded } from "../../bootstrap/edges/process.ts";

/** One thing that keeps an engine from running on this computer. */
export interface Lack {
  reason: string;
  /** Debian's package that mends it; none where no package does. */
  package?: string;
}

/** Those of an engine's programs that are not installed. Each comes with Debian's package that has it. */
export async function absentPrograms(programs: Readonly<Record<string, string>>): Promise<Lack[]> {
  const absent: Lack[] = [];
  for (const [name, where] of Object.entries(programs))
    if (!succeeded(await run("sh", ["-c", 'PATH=$PATH:/usr/sbin:/sbin; command -v "$0"', name])))
      absent.push({ reason: `${name} is not installed`, package: where });
  return absent;
}

/** For a message: each with what to do about it. */
export function inWords(lacks: readonly Lack[]): string {
  return lacks
    .map(({ reason, package: name }) => (name === undefined ? reason : `${reason}; apt-get install ${name}`))
    .join("; ");
}
