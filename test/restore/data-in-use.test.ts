import { expect, it } from "vitest";
import { readLook } from "../../bootstrap/restore/data-in-use.ts";

const lines = (...more: string[]) =>
  ["now 1764576000.250", "mount /data", "service a.service", "mounted yes", ...more].join("\n");

it("what a server says of its data is read line by line", () => {
  expect(
    readLook(
      lines(
        "user 12 a.service /usr/bin/a --data /data ",
        "user 13 - ",
        "newer 0 2 1764575999.5000000000 /data/a file",
      ),
    ),
  ).toEqual({
    now: "2025-12-01T08:00:00.250Z",
    mount: "/data",
    isMounted: true,
    services: ["a.service"],
    users: [
      { pid: 12, unit: "a.service", command: "/usr/bin/a --data /data" },
      { pid: 13, unit: undefined, command: "" },
    ],
    newer: {
      kind: "some",
      files: 2,
      isCounted: true,
      newest: { at: "2025-12-01T07:59:59.500Z", path: "/data/a file" },
    },
  });
});

it.each([
  ["nothing was changed", lines("newer 0 0 "), { kind: "none" }],
  [
    "the search took too long",
    lines("newer 124 0 "),
    { kind: "unknown", reason: "the search took too long" },
  ],
  ["the search failed", lines("newer 1 0 "), { kind: "unknown", reason: "the search ended with 1" }],
  ["it said nothing", lines(), { kind: "unknown", reason: "it could not be searched" }],
  ["nothing is mounted", "now 1\nmount /data", { kind: "unknown", reason: "nothing is mounted at /data" }],
])("of newer data: %s", (_what, text, newer) => {
  expect(readLook(text).newer).toEqual(newer);
});

it("a search that took too long has found at least what it has found", () => {
  expect(readLook(lines("newer 124 9 1764575999.5 /data/a")).newer).toMatchObject({
    files: 9,
    isCounted: false,
  });
});
