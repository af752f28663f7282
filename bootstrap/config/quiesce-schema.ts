import { z } from "zod";

/** The shape of a role's `quiesce`: how its data is made quiet while its volumes are snapshotted. */

const shared = {
  /** The longest that data may stay quiet: then the server lets it go on by itself, whatever became of us. */
  limit: z
    .string()
    .regex(/^[1-9]\d*(s|m)$/, "a duration such as 30s or 2m")
    .default("30s"),
  /** How the server is reached: SSM Run Command, or the system's OpenSSH client by the server's name. */
  via: z.enum(["ssm", "ssh"]).default("ssm"),
};
const systemUser = z.string().regex(/^[a-z_][a-z0-9_-]*$/, "a user of the server");
const path = z.string().regex(/^\/[\w./@+-]*$/, "an absolute path");
const command = z.string().min(1);

const database = {
  /**
   * A server of the environment that is a read replica, such as `db-1`: the snapshots of all servers of this role are
   * taken of that one's volumes. The first of the others is the primary: its PostgreSQL or MariaDB is one when it boots
   * from the copy, and those of the rest stay replicas.
   */
  replica: z
    .string()
    .regex(/^[a-z][a-z0-9-]*-\d+$/, "a server such as db-1")
    .optional(),
  ...shared,
};

export const quiesceSchema = z.discriminatedUnion("kind", [
  /** Its file systems are frozen: XFS and ext4. What a role with volumes has when it says nothing. */
  z.strictObject({ kind: z.literal("filesystem"), ...shared }),
  /** PostgreSQL writes out what it has, or goes into its backup mode; then the file systems are frozen. */
  z.strictObject({
    kind: z.literal("postgres"),
    mode: z.enum(["checkpoint", "backup"]).default("checkpoint"),
    /** Who may ask it, by `peer` authentication. */
    user: systemUser.default("postgres"),
    /** The folder of its socket, when that is not the client's own. */
    host: path.optional(),
    port: z.int().min(1).max(65535).default(5432),
    ...database,
  }),
  /** MySQL and MariaDB hold back commits by a backup lock; then the file systems are frozen. */
  z.strictObject({
    kind: z.enum(["mysql", "mariadb"]),
    user: systemUser.default("root"),
    /** A file of the client's options on the server. */
    defaults: path.optional(),
    ...database,
  }),
  /** Commands of the role's own, run by a shell as root, before the freeze and after the thaw; `after` may run twice. */
  z.strictObject({ kind: z.literal("hooks"), before: command, after: command, ...shared }),
  /** Nothing is frozen: each snapshot is as after a crash, which the environment must allow. */
  z.strictObject({ kind: z.literal("none") }),
]);

export type Quiesce = z.infer<typeof quiesceSchema>;
/** One that freezes something. */
export type Freeze = Exclude<Quiesce, { kind: "none" }>;
