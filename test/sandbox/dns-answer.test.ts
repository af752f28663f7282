import { expect, test } from "vitest";
import { dnsAnswer } from "../../sandbox/bodies/dns-answer.ts";

const names = new Map([["db.internal", "10.0.1.200"]]);
const resolve = (name: string) => names.get(name);

/** A query as a resolver sends it: with recursion desired. */
function query(name: string, type = 1): Buffer {
  const labels = name.split(".").flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const header = Buffer.from([0xab, 0xcd, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, type, 0, 1])]);
}

const code = (answer: Buffer) => answer[3]! & 0x0f;
const records = (answer: Buffer) => answer.readUInt16BE(6);

test("a known name has its address, whatever its case", () => {
  const answer = dnsAnswer(query("DB.internal"), resolve)!;
  expect(answer.readUInt16BE(0)).toBe(0xabcd);
  expect([code(answer), records(answer)]).toEqual([0, 1]);
  expect([...answer.subarray(-4)]).toEqual([10, 0, 1, 200]);
});

test("a known name has nothing of another type, which is not the same as no such name", () => {
  const answer = dnsAnswer(query("db.internal", 28), resolve)!;
  expect([code(answer), records(answer)]).toEqual([0, 0]);
});

test("every other name does not exist", () => {
  const answer = dnsAnswer(query("example.com"), resolve)!;
  expect([code(answer), records(answer)]).toEqual([3, 0]);
});

test("what follows the question is left out of the answer", () => {
  const asked = query("db.internal");
  const answer = dnsAnswer(
    Buffer.concat([asked, Buffer.from([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0])]),
    resolve,
  )!;
  expect(answer.length).toBe(asked.length + 16);
  expect(answer.readUInt16BE(10)).toBe(0);
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["half a question", query("db.internal").subarray(0, 20)],
  ["an answer", Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1])],
  ["a name that points into itself", Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1])],
])("%s is not answered", (_, packet) => {
  expect(dnsAnswer(packet, resolve)).toBeUndefined();
});
