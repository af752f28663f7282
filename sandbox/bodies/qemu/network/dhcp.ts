import { resolverAddress } from "../../addresses.ts";
import { addressBytes, addressText, mtu } from "./packets.ts";

export const dhcpPorts = { server: 67, client: 68 } as const;

/** The first address of a subnet is its router's, as in EC2; here every machine is told of a subnet of 256 addresses. */
export function gatewayOf(address: string): string {
  return address.replace(/\d+$/, "1");
}

export interface DhcpAnswer {
  /** The address that the client listens at by then. */
  to: string;
  data: Buffer;
}

/** Tells a machine that asks with DHCP (RFC 2131) its own address, and no other; undefined for what asks nothing. */
export function dhcpAnswer(asked: Buffer, address: string): DhcpAnswer | undefined {
  if (asked.length < optionsAt || asked[0] !== bootRequest || asked.readUInt32BE(cookieAt) !== cookie)
    return undefined;
  const options = readOptions(asked.subarray(optionsAt));
  const current = addressText(asked, fields.ciaddr);
  const wanted = options.get(codes.requested);
  const kind = answerTo(options.get(codes.kind)?.[0], wanted ? addressText(wanted, 0) : current, address);
  if (kind === undefined) return undefined;
  const header = Buffer.from(asked.subarray(0, optionsAt));
  header[0] = bootReply;
  if (kind !== kinds.nak) addressBytes(address).copy(header, fields.yiaddr);
  const data = Buffer.concat([header, writeOptions(kind, address)]);
  const broadcasts = (asked.readUInt16BE(fields.flags) & broadcastFlag) !== 0 || kind === kinds.nak;
  const known = current === nobody ? address : current;
  return { to: current === nobody && broadcasts ? everybody : known, data };
}

const bootRequest = 1;
const bootReply = 2;
const fields = { flags: 10, ciaddr: 12, yiaddr: 16 } as const;
const cookieAt = 236;
const optionsAt = 240;
const cookie = 0x63825363;
const broadcastFlag = 0x8000;
const nobody = "0.0.0.0";
const everybody = "255.255.255.255";
const leaseSeconds = 3600;

const kinds = { discover: 1, offer: 2, request: 3, ack: 5, nak: 6 } as const;
const codes = {
  mask: 1,
  router: 3,
  resolver: 6,
  mtu: 26,
  requested: 50,
  lease: 51,
  kind: 53,
  server: 54,
  end: 255,
} as const;

function answerTo(kind: number | undefined, wanted: string, address: string): number | undefined {
  if (kind === kinds.discover) return kinds.offer;
  if (kind === kinds.request) return wanted === address ? kinds.ack : kinds.nak;
  return undefined;
}

function readOptions(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length && bytes[at] !== codes.end; ) {
    // A zero is nothing but room.
    if (bytes[at] === 0) {
      at += 1;
      continue;
    }
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (end <= bytes.length) found.set(bytes[at]!, bytes.subarray(at + 2, end));
    at = end;
  }
  return found;
}

function writeOptions(kind: number, address: string): Buffer {
  const option = (code: number, value: Buffer) => Buffer.concat([Buffer.from([code, value.length]), value]);
  const number = (bytes: 2 | 4, value: number) => {
    const made = Buffer.alloc(bytes);
    made.writeUIntBE(value, 0, bytes);
    return made;
  };
  const gateway = addressBytes(gatewayOf(address));
  const always = [option(codes.kind, Buffer.from([kind])), option(codes.server, gateway)];
  const lease =
    kind === kinds.nak
      ? []
      : [
          option(codes.lease, number(4, leaseSeconds)),
          option(codes.mask, addressBytes("255.255.255.0")),
          option(codes.router, gateway),
          option(codes.resolver, addressBytes(resolverAddress)),
          option(codes.mtu, number(2, mtu)),
        ];
  return Buffer.concat([...always, ...lease, Buffer.from([codes.end])]);
}
