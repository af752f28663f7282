import type { Fault } from "../errors.ts";
import type { ConfigFiles } from "./files.ts";
import type { Environment, Role, Topology } from "./schema.ts";
import type { YamlFile } from "./yaml-file.ts";

/** Everything that a rule of an environment may look at: parsed values and where they stand. */
export interface Subject {
  /** Of the environment only the sections that the rule needs are sure to be there; roles are the well-formed ones. */
  topology: Topology;
  environmentFile: YamlFile;
  roleFiles: Readonly<Record<string, YamlFile>>;
}

/** One thing that must hold between values of an environment and its roles that are each well-formed. */
export interface Rule {
  name: string;
  /** The rule is left out while one of these has faults of its own, so that no other rule waits for them. */
  needs: readonly (keyof Environment)[];
  check(subject: Subject): Fault[];
}

/** One thing that must hold within a role, whichever environments name it. */
export interface RoleRule {
  name: string;
  check(role: Role, context: { name: string; files: ConfigFiles }): Found[];
}

/** A fault of the one file that a rule looks at. */
export interface Found {
  keys: readonly PropertyKey[];
  message: string;
  move: string;
}
