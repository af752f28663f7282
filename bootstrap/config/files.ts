/** A file as git keeps it: exact bytes and the executable bit; a symbolic link's content is where it leads. */
export interface ConfigFile {
  content: Uint8Array;
  mode: "0644" | "0755" | "link";
}

/** The project's files by path from its root: a work tree's or a commit's. */
export type ConfigFiles = ReadonlyMap<string, ConfigFile>;

export const environmentPath = (name: string) => `configs/environments/${name}.yaml`;
export const rolePath = (name: string) => `configs/roles/${name}/role.yaml`;
/** A role's configuration as it lies on the server, below this folder. */
export const roleFilesFolder = (role: string) => `configs/roles/${role}/files/`;
/** What git can't keep of a role's files: owners, modes, empty directories. */
export const attributesPath = (role: string) => `configs/roles/${role}/files.yaml`;
export const templatePath = (name: string) => `cloud-init/templates/${name}`;
export const bootPath = "cloud-init/boot";

export function environmentNames(files: ConfigFiles): string[] {
  return namesIn(files, /^configs\/environments\/([^/]+)\.yaml$/);
}

export function roleNames(files: ConfigFiles): string[] {
  return namesIn(files, /^configs\/roles\/([^/]+)\/role\.yaml$/);
}

/** True where a symbolic link is configuration: it stays a link on the server, and nobody here follows it. */
export function mayBeLink(path: string): boolean {
  return /^configs\/roles\/[^/]+\/files\//.test(path);
}

/** A text file's content; the file is there. */
export function textOf(files: ConfigFiles, path: string): string {
  return Buffer.from(files.get(path)!.content).toString();
}

function namesIn(files: ConfigFiles, pattern: RegExp): string[] {
  return [...files.keys()].flatMap((path) => pattern.exec(path)?.[1] ?? []).sort();
}
