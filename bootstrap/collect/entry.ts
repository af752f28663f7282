/** One thing of a server's configuration. Its path is the server's; modes have four digits, such as `0644`. */
export type Entry = FileEntry | LinkEntry | DirectoryEntry;

interface Owned {
  owner: string;
  group: string;
}

export interface FileEntry extends Owned {
  kind: "file";
  mode: string;
  /** The digest of what git shall hold; where those bytes are, only the edge knows. */
  sha256: string;
  /** The server fills it in: a secret's place was taken by a reference. */
  template: boolean;
  /** The digest of what the host has in a secret's place and around it. Only for comparing hosts: it is never written. */
  secrets?: string;
}

export interface LinkEntry extends Owned {
  kind: "link";
  target: string;
}

export interface DirectoryEntry extends Owned {
  kind: "directory";
  mode: string;
}

/** By path on the server. */
export type Tree = ReadonlyMap<string, Entry>;

/** Something that was asked for and is not in what was collected, and why. What git had of it stays. */
export interface LeftOut {
  /** As text that can be printed: other bytes are escaped. */
  path: string;
  reason: string;
  /** True where configuration is missing now; false for what is none, such as a socket. */
  isLoss: boolean;
}

/** A value that became a reference: whoever runs the role puts it where the reference points. */
export interface Reference {
  path: string;
  line: number;
  rule: string;
  name: string;
}

/** What one host of a role was found to be. */
export interface Found {
  host: string;
  tree: Tree;
  /** Paths of which nobody could say what is there, each with all that is below it. */
  unknown: readonly string[];
  leftOut: readonly LeftOut[];
  references: readonly Reference[];
  /** `name version`, sorted; undefined where the host knows of no packages. */
  packages: readonly string[] | undefined;
  units: readonly string[] | undefined;
}
