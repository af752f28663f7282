import { partType } from "../../cloud-init/mime.ts";
import { renderTemplate } from "../../cloud-init/render.ts";
import type { UserDataVariables } from "../../cloud-init/variables.ts";
import type { Fault } from "../errors.ts";
import { type ConfigFiles, templatePath, textOf } from "./files.ts";

/** Checks a template by itself: cloud-init would take it, and it asks for nothing that servers don't have. */
export function userDataRules(template: string, files: ConfigFiles): Fault[] {
  const path = templatePath(template);
  if (!files.has(path)) return [];
  const lines = textOf(files, path).split("\n");
  return [
    ...headerFaults(path, lines[0] ?? ""),
    ...lines.flatMap((line, index) => lineFaults(path, line, index + 1)),
  ];
}

/** cloud-init ignores, without a word, user-data whose first line is another. */
function headerFaults(file: string, first: string): Fault[] {
  if (partType(first) !== undefined) return [];
  return [
    {
      place: { file, line: 1, column: 1 },
      message: `the first line is ${JSON.stringify(first.slice(0, 40))}`,
      move: "begin with #cloud-config or #!: cloud-init ignores the file otherwise",
    },
  ];
}

/** One variable at a time, so that each that is unknown is named. */
function lineFaults(file: string, text: string, line: number): Fault[] {
  return [...text.matchAll(/\{\{.*?\}\}/g)].flatMap(({ 0: variable, index }) => {
    try {
      renderTemplate(variable, anyVariables);
      return [];
    } catch {
      return [
        {
          place: { file, line, column: index + 1 },
          message: `unknown variable ${variable}`,
          move: `use one of ${Object.keys(anyVariables).join(", ")}`,
        },
      ];
    }
  });
}

const anyVariables: UserDataVariables = {
  environment: "",
  role: "",
  server: "",
  region: "",
  release: "",
  bucket: "",
  manifestKey: "",
  manifestVersion: "",
  manifestSha256: "",
  hosts: "",
  databases: "",
};
