import type { z } from "zod";
import type { Fault } from "../errors.ts";
import { expectation, show } from "./expectation.ts";
import { nearest } from "./nearest.ts";
import { keysOf, schemaAt, valuesOf } from "./schema-at.ts";
import type { YamlFile } from "./yaml-file.ts";

/** Checks a file's data against a schema; every departure becomes a fault at its own place. */
export function checkShape<T>(
  file: YamlFile,
  schema: z.ZodType<T>,
): { value: T | undefined; faults: Fault[] } {
  if (file.faults.length > 0) return { value: undefined, faults: file.faults };
  const parsed = schema.safeParse(file.value);
  if (parsed.success) return { value: parsed.data, faults: [] };
  return {
    value: undefined,
    faults: parsed.error.issues.flatMap((issue) => issueFaults(file, schema, issue, [])),
  };
}

type Issue = z.core.$ZodIssue;

function issueFaults(
  file: YamlFile,
  schema: z.ZodType,
  issue: Issue,
  above: readonly PropertyKey[],
): Fault[] {
  const keys = [...above, ...issue.path];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        place: file.keyPlace(keys, key),
        message: `unknown key ${JSON.stringify(key)}${keys.length === 0 ? "" : ` in ${keys.join(".")}`}`,
        move: suggest(key, keysOf(schema, keys)),
      }));
    case "invalid_union": {
      const closest = [...issue.errors].sort((a, b) => departures(a) - departures(b))[0] ?? [];
      if (closest.length > 0) return closest.flatMap((inner) => issueFaults(file, schema, inner, keys));
      return [wrongValue(file, keys, `one of ${valuesOf(schema, keys).join(", ")}`)];
    }
    case "invalid_key": {
      const wrongName = {
        place: file.keyPlace(keys.slice(0, -1), String(keys.at(-1))),
        message: `${show(keys.at(-1))} can't be a name in ${keys.slice(0, -1).join(".")}`,
        move: `name it with ${issue.issues[0]?.message ?? "another name"}`,
      };
      // zod leaves a value alone when its name is wrong, and a user mends both at once.
      const value = schemaAt(schema, keys)?.safeParse(valueAt(file.value, keys));
      const inner = value?.error?.issues ?? [];
      return [wrongName, ...inner.flatMap((below) => issueFaults(file, schema, below, keys))];
    }
    default:
      return [wrongValue(file, keys, expectation(issue, valueAt(file.value, keys)))];
  }
}

function wrongValue(file: YamlFile, keys: readonly PropertyKey[], wanted: string): Fault {
  const received = valueAt(file.value, keys);
  const place = file.place(keys);
  if (keys.length === 0 && received === null)
    return {
      place,
      message: "the file is empty",
      move: "fill it in; `rekindle schema` prints what goes there",
    };
  const name = keys.join(".") || "the file";
  if (received === undefined) return { place, message: `${name} is missing`, move: `add it: ${wanted}` };
  return {
    place,
    message: received === null ? `${name} is empty` : `${name} is ${show(received)}`,
    move: `give ${wanted}`,
  };
}

/** How far data is from one alternative of a union: the nearest is the one that was meant. */
function departures(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
}

function suggest(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === undefined
    ? "remove it, or correct its name"
    : `remove it or correct its name: did you mean ${JSON.stringify(meant)}?`;
}

/** Own keys only: a name such as `constructor` has nothing to inherit. */
function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) =>
      inner !== null && typeof inner === "object" && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}
