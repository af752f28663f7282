import type { z } from "zod";

const typeNames: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  object: "a map",
  record: "a map",
  array: "a list",
  boolean: "true or false",
};

/** What the schema wants instead of what was received, in words. */
export function expectation(issue: z.core.$ZodIssue, received: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      // YAML reads `0755` and `1e3` as numbers, and writes them back otherwise.
      if (issue.expected === "string" && ["number", "boolean"].includes(typeof received))
        return "text: put it in quotes";
      return typeNames[issue.expected] ?? `a value of type ${issue.expected}`;
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(", ")}`;
    case "too_small":
      return `at least ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `at most ${issue.maximum}${unit(issue.origin)}`;
    default:
      return issue.message;
  }
}

/** A received value as it goes into a message: one line, and not a long one. */
export function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function unit(origin: string): string {
  return origin === "array" ? " entries" : origin === "string" ? " characters" : "";
}
