import { describe, expect, test } from "vitest";
import { describeConnection, readConnection } from "../../bootstrap/dump/connection.ts";

describe("a connection", () => {
  test.for([
    [
      "postgres://admin@db.example.net:5433",
      { engine: "postgres", host: "db.example.net", port: 5433, user: "admin" },
    ],
    ["postgresql://%2Frun%2Fpostgresql", { engine: "postgres", host: "/run/postgresql" }],
    ["ssh://root@db-1:2222", { engine: "postgres", ssh: "root@db-1:2222" }],
  ] as const)("%s is read", ([text, connection]) => {
    expect(readConnection("--to", text, "postgres")).toEqual(connection);
  });

  test.for([
    ["postgres://admin:hush@db", "holds a password"],
    ["mariadb://db", "is a mariadb server, and the dump is one of postgres"],
    ["postgres://db/shop", "names more than a server"],
    ["db.example.net", "is no connection"],
    ["db.example.net:5432", "is no connection"],
  ] as const)("%s is refused, and no password is repeated", ([text, why]) => {
    expect(() => readConnection("--to", text, "postgres")).toThrow(why);
    expect(() => readConnection("--to", text, "postgres")).not.toThrow("hush");
  });

  test("is described without its password", () => {
    const connection = { engine: "mariadb", host: "db", user: "root", password: "hush" } as const;
    expect(describeConnection(connection)).toBe("mariadb at root@db");
    expect(describeConnection({ engine: "mysql", ssh: "db-1" })).toBe("mysql on db-1");
  });
});
