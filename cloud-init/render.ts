import type { UserDataVariables } from "./variables.ts";

/** A template that can't be rendered; `line` counts from 1. */
export class TemplateError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = "TemplateError";
    this.line = line;
  }
}

/** Harmless in YAML and between a POSIX shell's single quotes. */
const safe = /^[A-Za-z0-9 _./:=,@-]*$/;

/** Fills a template in. Pure: the same arguments give the same bytes, on the operator's machine and in verification. */
export function renderTemplate(template: string, variables: UserDataVariables): string {
  const known = new Map<string, string>(Object.entries(variables));
  const renderLine = (text: string, line: number) =>
    text.replace(/\{\{(.*?)\}\}/g, (_whole, name: string) => {
      const value = known.get(name.trim());
      if (value === undefined) throw new TemplateError(`unknown variable {{${name}}} in line ${line}`, line);
      if (safe.test(value)) return value;
      throw new TemplateError(
        `{{${name}}} is ${JSON.stringify(value)}, which is not plain text, in line ${line}`,
        line,
      );
    });
  return template
    .split("\n")
    .map((text, index) => renderLine(text, index + 1))
    .join("\n");
}
