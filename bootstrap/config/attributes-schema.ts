import { z } from "zod";

/**
 * The shape of `configs/roles/<role>/files.yaml`: what git can't keep of the files beside it. What is not said is
 * owned by root, with mode 0644 (0755 when git has it executable, and for directories).
 */
const owner = z
  .string()
  .regex(/^([a-z_][a-z0-9_.-]*\$?|\d+)$/i, "the name or the number of a user or a group");
const mode = z.string().regex(/^0?[0-7]{3,4}$/, 'a quoted octal mode such as "0640"');

const attributes = z.strictObject({
  /** A directory is listed when it is empty, or has attributes of its own; everything else is what git says. */
  kind: z.literal("directory").optional(),
  owner: owner.optional(),
  group: owner.optional(),
  mode: mode.optional(),
  /** The server fills the file in: variables, SSM parameters, secrets. */
  template: z.boolean().optional(),
});

export const attributesSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  paths: z
    .record(
      z.string().regex(/^\/(?!.*(^|\/)\.{0,2}(\/|$)).+/, "an absolute path without ., .. and empty parts"),
      attributes,
    )
    .default({}),
});

/** Absolute path on the server → what differs from the default. */
export type FileAttributes = z.infer<typeof attributesSchema>["paths"];
