import { expect, test } from "vitest";
import { globalsFor, rolesOf } from "../../bootstrap/dump/globals.ts";

const sql = `CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT LOGIN PASSWORD 'x';
CREATE ROLE shop;
ALTER ROLE shop WITH NOSUPERUSER INHERIT NOCREATEROLE LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'y';
CREATE ROLE "a ""b""";
ALTER ROLE "a ""b""" WITH NOSUPERUSER INHERIT;
GRANT shop TO "a ""b""" GRANTED BY postgres;
`;

test("roles that are there keep what they are, and new ones lack what they need not be told to lack", () => {
  expect(globalsFor(sql, ["postgres", 'a "b"'])).toBe(`CREATE ROLE shop;
ALTER ROLE shop WITH INHERIT NOCREATEROLE LOGIN PASSWORD 'y';
GRANT shop TO "a ""b""" GRANTED BY postgres;
`);
});

test("the roles that are made are named", () => {
  expect(rolesOf(sql)).toEqual(["postgres", "shop", 'a "b"']);
});
