import type { SandboxEnvironment } from "../../edges/sandbox.ts";

/** Lines that any POSIX shell evaluates. */
export function shellLines({ set, unset }: SandboxEnvironment): string[] {
  return [
    ...unset.map((name) => `unset ${name}`),
    ...Object.entries(set).map(([name, value]) => `export ${name}=${quoted(value)}`),
  ];
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
