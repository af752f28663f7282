import { expect, test } from "vitest";
import { dhcpAnswer } from "../../../sandbox/bodies/qemu/network/dhcp.ts";

const own = "10.0.1.10";
const kinds = { discover: 1, offer: 2, request: 3, ack: 5, nak: 6 };

/** What a client sends that has no address yet, or that has one and keeps it. */
function asks(kind: number, { requested, current }: { requested?: string; current?: string } = {}): Buffer {
  const header = Buffer.alloc(240);
  header[0] = 1;
  header.writeUInt32BE(0xabcd1234, 4);
  header.writeUInt32BE(0x63825363, 236);
  const bytes = (address: string) => address.split(".").map(Number);
  if (current) Buffer.from(bytes(current)).copy(header, 12);
  const options = [53, 1, kind, 0, ...(requested ? [50, 4, ...bytes(requested)] : []), 255];
  return Buffer.concat([header, Buffer.from(options), Buffer.alloc(60)]);
}

function read(data: Buffer) {
  const options = new Map<number, number[]>();
  for (let at = 240; data[at] !== 255; at += 2 + data[at + 1]!)
    options.set(data[at]!, [...data.subarray(at + 2, at + 2 + data[at + 1]!)]);
  return { address: [...data.subarray(16, 20)].join("."), id: data.readUInt32BE(4), options };
}

test("whoever asks is offered the machine's own address, with the way out and the resolver", () => {
  const { to, data } = dhcpAnswer(asks(kinds.discover), own)!;
  const { address, id, options } = read(data);
  expect([to, address, id]).toEqual([own, own, 0xabcd1234]);
  expect(options.get(53)).toEqual([kinds.offer]);
  expect(options.get(3)).toEqual([10, 0, 1, 1]);
  expect(options.get(6)).toEqual([169, 254, 169, 253]);
  expect(options.get(26)).toEqual([9001 >> 8, 9001 & 255]);
});

test("a request for that address is granted, and so is its renewal", () => {
  for (const request of [asks(kinds.request, { requested: own }), asks(kinds.request, { current: own })]) {
    const { to, data } = dhcpAnswer(request, own)!;
    expect([to, read(data).options.get(53)]).toEqual([own, [kinds.ack]]);
  }
});

test("a request for another address is refused, in everybody's hearing", () => {
  const { to, data } = dhcpAnswer(asks(kinds.request, { requested: "10.0.1.11" }), own)!;
  const { address, options } = read(data);
  expect([to, address]).toEqual(["255.255.255.255", "0.0.0.0"]);
  expect(options.get(53)).toEqual([kinds.nak]);
  expect(options.has(3)).toBe(false);
});

test("a client that can't hear its own address yet is answered to everybody", () => {
  const asked = asks(kinds.discover);
  asked.writeUInt16BE(0x8000, 10);
  expect(dhcpAnswer(asked, own)?.to).toBe("255.255.255.255");
});

test("what is no question is not answered", () => {
  const release = asks(7);
  const reply = asks(kinds.discover).fill(2, 0, 1);
  for (const packet of [release, reply, Buffer.alloc(10), asks(kinds.discover).subarray(0, 241)])
    expect(dhcpAnswer(packet, own)).toBeUndefined();
});
