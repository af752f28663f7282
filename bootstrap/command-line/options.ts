import { Option } from "commander";

/** Options that several commands have in common. */

export const env = new Option(
  "--env <name>",
  "the environment; else REKINDLE_ENV, else the one that cdktf.json names",
);
export const json = new Option("--json", "print one JSON value, and nothing else, on standard output");
export const commit = new Option(
  "--commit <revision>",
  "the commit to take; else HEAD, and then a dirty tree is refused",
);
export const site = new Option("--site <site>", "which of the environment's own databases")
  .choices(["primary", "recovery"])
  .default("primary");

/** The values of an option that may be given several times. */
export const each = (value: string, earlier: string[] = []) => [...earlier, value];
