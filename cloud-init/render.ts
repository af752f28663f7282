import type { UserDataVariables } from "./variables.ts";

export function renderUserData(template: string, variables: UserDataVariables): string {
  return template.replace(/\{\{\s*(\w+)\s*\}\}/g, (_all, name: string) => {
    const value = (variables as unknown as Record<string, string | undefined>)[name];
    if (value === undefined) throw new Error(`unknown variable {{${name}}}`);
    return value;
  });
}
