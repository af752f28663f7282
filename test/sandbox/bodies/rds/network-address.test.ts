import { expect, test } from "vitest";
import { freeAddress } from "../../../../sandbox/bodies/rds/network-address.ts";

test("a database gets the last address of its subnet that nobody has", () => {
  expect(freeAddress("10.30.10.0/24", new Set())).toBe("10.30.10.254");
  expect(freeAddress("10.30.10.0/24", new Set(["10.30.10.254", "10.30.10.253"]))).toBe("10.30.10.252");
  expect(freeAddress("172.31.240.0/20", new Set())).toBe("172.31.255.254");
});

test("the addresses that AWS keeps are nobody's", () => {
  const others = Array.from({ length: 11 }, (_, index) => `10.0.0.${index + 4}`);
  expect(freeAddress("10.0.0.0/28", new Set(others))).toBeUndefined();
});
