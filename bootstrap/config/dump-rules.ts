import type { Fault } from "../errors.ts";
import type { Rule } from "./rule.ts";

export const dumpRules: Rule[] = [
  {
    name: "dumps are of databases that exist",
    needs: ["databases", "dumps"],
    check: ({ topology: { environment }, environmentFile }) =>
      Object.entries(environment.dumps).flatMap(([name, { engine, from }]): Fault[] => {
        if (!("database" in from)) return [];
        const database = environment.databases[from.database];
        if (database?.engine === engine) return [];
        const known = Object.keys(environment.databases).filter(
          (one) => environment.databases[one]!.engine === engine,
        );
        return [
          {
            place: environmentFile.place(["dumps", name, "from", "database"]),
            message:
              database === undefined
                ? `unknown database ${JSON.stringify(from.database)}`
                : `database ${from.database} is one of ${database.engine}, and the dump one of ${engine}`,
            move: `name one of ${known.join(", ") || "none, since there are none of that engine"}`,
          },
        ];
      }),
  },
  {
    name: "a user of a database's dump has a password",
    needs: ["dumps"],
    check: ({ topology: { environment }, environmentFile }) =>
      Object.entries(environment.dumps)
        .filter(
          ([, { from, user, password }]) =>
            "database" in from && user !== undefined && password === undefined,
        )
        .map(([name, { user }]) => ({
          place: environmentFile.place(["dumps", name, "user"]),
          message: `dump ${name} names user ${user} without a password, and RDS keeps that of the database's own user only`,
          move: "add password with a reference to where it is kept, or leave user out",
        })),
  },
  {
    name: "dumps over the network have a user",
    needs: ["dumps"],
    check: ({ topology: { environment }, environmentFile }) =>
      Object.entries(environment.dumps)
        .filter(([, { from, user }]) => "host" in from && user === undefined)
        .map(([name]) => ({
          place: environmentFile.place(["dumps", name]),
          message: `dump ${name} goes over the network and names no user`,
          move: "add user, and password with a reference to where it is kept",
        })),
  },
];
