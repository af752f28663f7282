/** What of a server's data was changed after a moment: of what could not be looked at nobody knows that it was not. */
export type Newer =
  | { kind: "none" }
  /** `isCounted` is false where the search took too long: then there are at least so many. */
  | { kind: "some"; files: number; isCounted: boolean; newest: { at: string; path: string } }
  | { kind: "unknown"; reason: string };

/** A process that has the data open. */
export interface DataUser {
  pid: number;
  /** The service that it belongs to, where it does. */
  unit: string | undefined;
  command: string;
}

/** A server's data as it is now. */
export interface DataInUse {
  /** By the server's own clock. ISO 8601, UTC. */
  now: string;
  mount: string;
  isMounted: boolean;
  /** The role's own. */
  services: string[];
  users: DataUser[];
  newer: Newer;
}

/** Reads what `look` of data-volumes.sh prints. */
export function readLook(text: string): DataInUse {
  const facts = text.split("\n").map((line) => {
    const [word = "", ...rest] = line.split(" ");
    return { word, value: rest.join(" ") };
  });
  const all = (word: string) => facts.filter((fact) => fact.word === word).map(({ value }) => value);
  const one = (word: string) => all(word)[0];
  const isMounted = one("mounted") === "yes";
  return {
    now: moment(one("now")),
    mount: one("mount") ?? "",
    isMounted,
    services: all("service"),
    users: all("user").map(readUser),
    newer: isMounted
      ? readNewer(one("newer"))
      : { kind: "unknown", reason: `nothing is mounted at ${one("mount")}` },
  };
}

function readUser(value: string): DataUser {
  const [, pid, unit, command = ""] = /^(\d+) (\S+) ?(.*)$/.exec(value) ?? [];
  return { pid: Number(pid), unit: unit === "-" ? undefined : unit, command: command.trim() };
}

function readNewer(value: string | undefined): Newer {
  const [, ended, files, at, path] = /^(\d+) (\d+)(?: ([\d.]+) (.*))? *$/s.exec(value ?? "") ?? [];
  if (ended === undefined) return { kind: "unknown", reason: "it could not be searched" };
  const isCounted = ended === "0";
  if (at !== undefined && path !== undefined)
    return { kind: "some", files: Number(files), isCounted, newest: { at: moment(at), path } };
  if (isCounted) return { kind: "none" };
  const reason = ended === "124" ? "the search took too long" : `the search ended with ${ended}`;
  return { kind: "unknown", reason };
}

function moment(seconds: string | undefined): string {
  return new Date(Number(seconds) * 1000).toISOString();
}
