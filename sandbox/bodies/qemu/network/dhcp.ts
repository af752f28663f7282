import { resolverAddress } from "../../addresses.ts";
import { addressBytes, addressText, mtu } from "./packets.ts";

export const dhcpPorts = { server: 67, client: 68 } as const;

const fixedBytes = 236;
const cookie = Buffer.from([99, 130, 83, 99]);
const kinds = { discover: 1, offer: 2, request: 3, ack: 5 } as const;
const day = 86_400;

/**
 * Answers a machine that asks for its address (RFC 2131): as in a VPC there is one that it can have, and everyone else is
 * on its own link (RFC 3442), where only those answer who are there.
 */
export function dhcpAnswer(query: Buffer, address: string, server: string): Buffer | undefined {
  if (query.length < fixedBytes + 4 || query[0] !== 1) return undefined;
  const kind = option(query, 53)?.[0];
  const answers = kind === kinds.discover ? kinds.offer : kind === kinds.request ? kinds.ack : undefined;
  const wanted = option(query, 50);
  // Of a machine that had another image: it begins anew when nobody grants it.
  if (answers === undefined || (wanted && addressText(wanted, 0) !== address)) return undefined;
  const fixed = Buffer.alloc(fixedBytes);
  query.copy(fixed, 0, 0, fixedBytes);
  fixed[0] = 2;
  fixed[3] = 0;
  addressBytes(address).copy(fixed, 16);
  addressBytes(server).copy(fixed, 20);
  fixed.fill(0, 44);
  const options: [number, number[] | Buffer][] = [
    [53, [answers]],
    [54, addressBytes(server)],
    [51, uint32(day)],
    [1, [255, 255, 255, 255]],
    [121, [0, 0, 0, 0, 0]],
    [6, addressBytes(resolverAddress)],
    [26, [mtu >> 8, mtu & 255]],
  ];
  const written = options.map(([code, value]) => Buffer.from([code, value.length, ...value]));
  return Buffer.concat([fixed, cookie, ...written, Buffer.from([255])]);
}

function option(query: Buffer, code: number): Buffer | undefined {
  for (let at = fixedBytes + 4; at + 1 < query.length && query[at] !== 255; ) {
    if (query[at] === 0) {
      at += 1;
      continue;
    }
    const length = query[at + 1]!;
    if (query[at] === code) return query.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  return undefined;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
