import { stringify } from "yaml";
import { z } from "zod";
import { parseYamlFile } from "../config/yaml-file.ts";
import { RekindleError, unknownVersion } from "../errors.ts";

/**
 * `configs/roles/<role>/collected.yaml`: what was seen of a role's hosts beside their files. It is written by
 * `collect`, holds no moment, and so changes only when a host did.
 */
export const collectedPath = (role: string) => `configs/roles/${role}/collected.yaml`;

/** How a host's copy of a path departs from the reference's. */
export type Departure = "content" | "secret" | "attributes" | "target" | "type" | "missing" | "extra";

const collectedSchema = z.strictObject({
  version: z.literal(1),
  /** The host that the role's files are from. */
  reference: z.string(),
  hosts: z.record(
    z.string(),
    z.strictObject({ packages: z.array(z.string()).optional(), units: z.array(z.string()).optional() }),
  ),
  /** Path → host → how it departs from the reference. */
  differences: z.record(
    z.string(),
    z.record(z.string(), z.enum(["content", "secret", "attributes", "target", "type", "missing", "extra"])),
  ),
});

export type Collected = z.infer<typeof collectedSchema>;

export function readCollected(role: string, text: string | undefined): Collected | undefined {
  if (text === undefined) return undefined;
  const path = collectedPath(role);
  const { value } = parseYamlFile(path, text);
  const version = (value as { version?: unknown } | null | undefined)?.version;
  if (version !== undefined && version !== 1) throw unknownVersion(path, version, 1);
  const parsed = collectedSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RekindleError(
    "bad-input",
    `${path} is not what collect wrote (${parsed.error.issues[0]?.message}); take it back from git, or remove it`,
  );
}

export function writeCollected(collected: Collected): string {
  return `# Written by rekindle collect; changes by hand are lost.\n${stringify(collected, { lineWidth: 0 })}`;
}
