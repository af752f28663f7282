/** The project's files by path from its root: a work tree's or a commit's. */
export type ConfigFiles = ReadonlyMap<string, { content: Uint8Array; mode: string }>;

export const environmentPath = (name: string) => `configs/environments/${name}.yaml`;
export const rolePath = (name: string) => `configs/roles/${name}/role.yaml`;
export const templatePath = (role: string) => `cloud-init/templates/${role}.yaml`;
export const bootPath = "cloud-init/boot";

export function environmentNames(files: ConfigFiles): string[] {
  return namesIn(files, /^configs\/environments\/([^/]+)\.yaml$/);
}

export function roleNames(files: ConfigFiles): string[] {
  return namesIn(files, /^configs\/roles\/([^/]+)\/role\.yaml$/);
}

/** A text file's content; the file is there. */
export function textOf(files: ConfigFiles, path: string): string {
  return Buffer.from(files.get(path)!.content).toString();
}

function namesIn(files: ConfigFiles, pattern: RegExp): string[] {
  return [...files.keys()].flatMap((path) => pattern.exec(path)?.[1] ?? []).sort();
}
