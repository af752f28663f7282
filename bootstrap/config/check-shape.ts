import { z } from "zod";
import type { Fault } from "../errors.ts";
import { nearest } from "./nearest.ts";
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
  const name = keys.join(".") || "the file";
  const received = valueAt(file.value, keys);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        place: file.keyPlace(keys, key),
        message: `unknown key ${JSON.stringify(key)}${keys.length === 0 ? "" : ` in ${name}`}`,
        move: suggest(key, keysOf(schema, keys)),
      }));
    case "invalid_union": {
      // The alternative with the fewest departures is the one that was meant.
      const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? [];
      if (closest.length > 0) return closest.flatMap((inner) => issueFaults(file, schema, inner, keys));
      return [fault(file, keys, `${name} is ${show(received)}`, issue.message)];
    }
    case "invalid_key":
      return [
        {
          place: file.keyPlace(keys.slice(0, -1), String(keys.at(-1))),
          message: `${show(keys.at(-1))} can't be a name in ${keys.slice(0, -1).join(".")}`,
          move: `name it with ${issue.issues[0]?.message ?? "another name"}`,
        },
      ];
    default: {
      if (received === undefined)
        return [fault(file, keys, `${name} is missing`, `add it: ${expectation(issue)}`)];
      return [fault(file, keys, `${name} is ${show(received)}`, `give ${expectation(issue)}`)];
    }
  }
}

function fault(file: YamlFile, keys: readonly PropertyKey[], message: string, move: string): Fault {
  return { place: file.place(keys), message, move };
}

/** What the schema wants, in words. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `a value of type ${issue.expected === "int" ? "whole number" : issue.expected === "record" ? "map" : issue.expected}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `at least ${issue.minimum}${issue.origin === "array" ? " entries" : ""}`;
    case "too_big":
      return `at most ${issue.maximum}${issue.origin === "array" ? " entries" : ""}`;
    default:
      return issue.message;
  }
}

function suggest(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === undefined ? "remove it, or correct its name" : `did you mean ${JSON.stringify(meant)}?`;
}

/** The keys that the schema knows at a place, through records, arrays and optional wrappers. */
function keysOf(schema: z.ZodType, keys: readonly PropertyKey[]): string[] {
  let current: unknown = unwrap(schema);
  for (const key of keys) {
    if (current instanceof z.ZodObject)
      current = unwrap((current.shape as Record<PropertyKey, z.ZodType>)[key]);
    else if (current instanceof z.ZodRecord) current = unwrap(current.valueType as z.ZodType);
    else if (current instanceof z.ZodArray) current = unwrap(current.element as z.ZodType);
    else return [];
  }
  if (current instanceof z.ZodObject) return Object.keys(current.shape);
  if (current instanceof z.ZodUnion) {
    return current.options.flatMap((option) =>
      option instanceof z.ZodObject ? Object.keys(option.shape) : [],
    );
  }
  return [];
}

function unwrap(schema: unknown): unknown {
  let current = schema;
  while (current instanceof z.ZodDefault || current instanceof z.ZodOptional) current = current.def.innerType;
  return current;
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
