/** What most commands have in common. */
export interface Options {
  env?: string;
  json?: boolean;
}

/** Remarks on the way: not on standard output when that is for one JSON value. */
export function say({ json }: Options): (line: string) => void {
  return json ? (line) => console.error(line) : (line) => console.log(line);
}

export function answer({ json }: Options, value: unknown, lines: readonly string[]): void {
  if (json) console.log(JSON.stringify(value, undefined, 2));
  else for (const line of lines) console.log(line);
}
