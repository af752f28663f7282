import type { Fault } from "../errors.ts";
import type { Topology } from "./schema.ts";
import type { YamlFile } from "./yaml-file.ts";

/** Everything that a rule may look at: parsed values, where they stand, and which files there are. */
export interface Subject {
  topology: Topology;
  environmentFile: YamlFile;
  roleFiles: Readonly<Record<string, YamlFile>>;
  /** Every path of the project's configuration. */
  paths: ReadonlySet<string>;
}

/** One thing that must hold between values that are each well-formed. */
export interface Rule {
  name: string;
  check(subject: Subject): Fault[];
}
