/** Starts a program that the kernel ends with this one, whatever ends it. */
export function endingWithUs(command: string, ...args: string[]): [string, string[]] {
  return ["setpriv", ["--pdeathsig", "KILL", command, ...args]];
}
