import { z } from "zod";
import { duration } from "./duration.ts";

/** Where a password is kept: an encrypted SSM parameter, or a secret, of which `#key` is one value of its JSON. */
export const secretReference = z
  .string()
  .regex(
    /^(ssm:\/[\w./-]+|secret:[\w/+=.@!:-]+(#\S+)?)$/,
    "where it is kept, such as ssm:/rekindle/shop/dump-password or secret:shop/database#password",
  );

const common = {
  /** Names of databases; all of the server when left out. */
  databases: z.array(z.string().min(1)).min(1).optional(),
  /** Who reads them. Over ssh without one, the server's own `postgres` or `root` does. */
  user: z.string().min(1).optional(),
  password: secretReference.optional(),
  /** How old its newest dump may be; the environment's RPO when left out. */
  rpo: duration.optional(),
  /**
   * A server that is reached over the network, or over its local socket by programs that run on it through ssh, or one
   * of the environment's own `databases`.
   */
  from: z.union([
    z.strictObject({
      host: z.string().regex(/^[\w.:/-]+$/, "a host's name or address, or where its socket is"),
      port: z.int().min(1).max(65535).optional(),
    }),
    z.strictObject({ ssh: z.string().regex(/^[^\s-]\S*$/, "a host that ssh knows") }),
    z.strictObject({ database: z.string() }),
  ]),
};

/** What `rekindle dump` reads of one database server. */
export const dumpSchema = z.discriminatedUnion("engine", [
  z.strictObject({
    engine: z.literal("postgres"),
    ...common,
    /** One archive a database, or archives side by side, as pg_dump's formats of these names are. */
    format: z.enum(["custom", "directory"]).default("custom"),
    /** Roles and their memberships too. */
    globals: z.boolean().default(true),
  }),
  z.strictObject({ engine: z.enum(["mysql", "mariadb"]), ...common }),
]);

export type DumpSource = z.infer<typeof dumpSchema>;
