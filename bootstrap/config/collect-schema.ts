import { z } from "zod";

/** The shape of a role's `collect`: which live servers its configuration comes from, and what of them is kept. */

export const glob = z
  .string()
  .regex(/^\/(?!.*(^|\/)\.\.(\/|$)).*[^/]$/, "an absolute path, which may hold *, ** and ?, without ..");
const hostName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a host's name: letters, digits, dots, hyphens, underscores");

const source = z.union([
  /** A host as the system's OpenSSH client knows it, so that `~/.ssh/config` counts. */
  z.strictObject({ ssh: z.string().regex(/^[A-Za-z0-9][\w.@:-]*$/, "a host as ssh knows it") }),
  /** An EC2 instance, through SSM Run Command. */
  z.strictObject({
    ssm: z.string().regex(/^m?i-[0-9a-f]{8,17}$/, "an instance id"),
    region: z.string(),
  }),
  /** A folder of this machine that is laid out as the host's root. */
  z.strictObject({ folder: z.string().min(1), host: hostName }),
  /** A host that can only push: what `rekindle push-config` put into the bucket's inbox. */
  z.strictObject({ inbox: hostName }),
]);

export const collectSchema = z.strictObject({
  /** The first one is the reference; others that differ from it are reported. */
  sources: z.array(source).min(1),
  paths: z.array(glob).min(1),
  exclude: z.array(glob).default([]),
  /** Lines that change by themselves: the pattern's matches are replaced before anything is compared. */
  masks: z
    .array(
      z.strictObject({
        paths: z.array(glob).min(1),
        /** A JavaScript regular expression, matched in each line. */
        pattern: z.string().min(1),
        replacement: z.string(),
      }),
    )
    .default([]),
  /** A file with what looks like a secret is left out and reported, or its value becomes a reference. */
  secrets: z.enum(["refuse", "reference"]).default("refuse"),
});
