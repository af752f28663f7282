/** Ethernet, ARP, IPv4, UDP and TCP as bytes: what of them servers of a region need to reach each other and the gateway. */

export const etherTypes = { ipv4: 0x0800, arp: 0x0806 } as const;
export const protocols = { tcp: 6, udp: 17 } as const;

/** As in EC2. */
export const mtu = 9001;

const etherBytes = 14;
const ipBytes = 20;
const udpBytes = 8;
const tcpBytes = 20;

export function addressBytes(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

export function addressText(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

export function etherType(frame: Buffer): number {
  return frame.length < etherBytes ? 0 : frame.readUInt16BE(12);
}

function frame(to: Buffer, from: Buffer, type: number, payloadBytes: number): Buffer {
  const made = Buffer.alloc(etherBytes + payloadBytes);
  to.copy(made, 0);
  from.copy(made, 6);
  made.writeUInt16BE(type, 12);
  return made;
}

/** Who is asked for in an ARP request; undefined for everything else. */
export function arpQuestion(asked: Buffer): string | undefined {
  const isRequest = asked.length >= etherBytes + 28 && asked.readUInt16BE(etherBytes + 6) === 1;
  return isRequest ? addressText(asked, etherBytes + 24) : undefined;
}

/** Says that what an ARP request asks for is at `mac`. */
export function arpAnswer(asked: Buffer, mac: Buffer): Buffer {
  const sender = asked.subarray(etherBytes + 8, etherBytes + 18);
  const answer = frame(asked.subarray(6, 12), mac, etherTypes.arp, 28);
  asked.copy(answer, etherBytes, etherBytes, etherBytes + 6);
  answer.writeUInt16BE(2, etherBytes + 6);
  mac.copy(answer, etherBytes + 8);
  asked.copy(answer, etherBytes + 14, etherBytes + 24, etherBytes + 28);
  sender.copy(answer, etherBytes + 18);
  return answer;
}

export interface IpPacket {
  from: string;
  to: string;
  protocol: number;
  payload: Buffer;
}

/** Undefined for what is no whole packet, or a part of one: nobody here sends parts. */
export function readIp(whole: Buffer): IpPacket | undefined {
  const bytes = whole.subarray(etherBytes);
  if (bytes.length < ipBytes || bytes[0]! >> 4 !== 4) return undefined;
  const header = (bytes[0]! & 15) * 4;
  const length = bytes.readUInt16BE(2);
  if (header < ipBytes || length < header || length > bytes.length || bytes.readUInt16BE(6) & 0x3fff)
    return undefined;
  return {
    from: addressText(bytes, 12),
    to: addressText(bytes, 16),
    protocol: bytes[9]!,
    payload: bytes.subarray(header, length),
  };
}

/** A frame with an IP packet in it; `fill` writes its payload. */
function ipFrame(
  macs: { to: Buffer; from: Buffer },
  { from, to, protocol }: Omit<IpPacket, "payload">,
  payloadBytes: number,
  fill: (payload: Buffer) => void,
): Buffer {
  const made = frame(macs.to, macs.from, etherTypes.ipv4, ipBytes + payloadBytes);
  const header = made.subarray(etherBytes, etherBytes + ipBytes);
  header[0] = 0x45;
  header.writeUInt16BE(ipBytes + payloadBytes, 2);
  header.writeUInt16BE(0x4000, 6);
  header[8] = 64;
  header[9] = protocol;
  addressBytes(from).copy(header, 12);
  addressBytes(to).copy(header, 16);
  header.writeUInt16BE(folded(sum(header, 0)), 10);
  const payload = made.subarray(etherBytes + ipBytes);
  fill(payload);
  const pseudo = sum(header.subarray(12, 20), protocol + payloadBytes);
  payload.writeUInt16BE(folded(sum(payload, pseudo)), protocol === protocols.tcp ? 16 : 6);
  return made;
}

/** The sum of 16-bit words that all checksums of the Internet are made of. */
function sum(bytes: Buffer, start: number): number {
  let total = start;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return even === bytes.length ? total : total + (bytes[even]! << 8);
}

function folded(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x10000);
  return ~rest & 0xffff;
}

export interface Datagram {
  fromPort: number;
  toPort: number;
  data: Buffer;
}

export function readUdp({ payload }: IpPacket): Datagram | undefined {
  if (payload.length < udpBytes) return undefined;
  return {
    fromPort: payload.readUInt16BE(0),
    toPort: payload.readUInt16BE(2),
    data: payload.subarray(udpBytes, payload.readUInt16BE(4)),
  };
}

export function udpFrame(
  macs: { to: Buffer; from: Buffer },
  addresses: { from: string; to: string },
  { fromPort, toPort, data }: Datagram,
): Buffer {
  return ipFrame(macs, { ...addresses, protocol: protocols.udp }, udpBytes + data.length, (payload) => {
    payload.writeUInt16BE(fromPort, 0);
    payload.writeUInt16BE(toPort, 2);
    payload.writeUInt16BE(udpBytes + data.length, 4);
    data.copy(payload, udpBytes);
  });
}

export const flags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export interface Segment {
  fromPort: number;
  toPort: number;
  sequence: number;
  acknowledged: number;
  flags: number;
  window: number;
  /** How much may be in a segment to whoever sent this; in its first one only. */
  largest?: number;
  data: Buffer;
}

export function readTcp({ payload }: IpPacket): Segment | undefined {
  if (payload.length < tcpBytes) return undefined;
  const header = (payload[12]! >> 4) * 4;
  if (header < tcpBytes || header > payload.length) return undefined;
  const largest = largestOf(payload.subarray(tcpBytes, header));
  return {
    fromPort: payload.readUInt16BE(0),
    toPort: payload.readUInt16BE(2),
    sequence: payload.readUInt32BE(4),
    acknowledged: payload.readUInt32BE(8),
    flags: payload[13]!,
    window: payload.readUInt16BE(14),
    ...(largest === undefined ? {} : { largest }),
    data: payload.subarray(header),
  };
}

function largestOf(options: Buffer): number | undefined {
  for (let at = 0; at < options.length && options[at] !== 0; ) {
    if (options[at] === 1) {
      at += 1;
      continue;
    }
    if (options[at] === 2 && at + 4 <= options.length) return options.readUInt16BE(at + 2);
    const length = options[at + 1] ?? 0;
    if (length < 2) return undefined;
    at += length;
  }
  return undefined;
}

export function tcpFrame(
  macs: { to: Buffer; from: Buffer },
  addresses: { from: string; to: string },
  segment: Segment,
): Buffer {
  const { data, largest } = segment;
  const header = tcpBytes + (largest === undefined ? 0 : 4);
  return ipFrame(macs, { ...addresses, protocol: protocols.tcp }, header + data.length, (payload) => {
    payload.writeUInt16BE(segment.fromPort, 0);
    payload.writeUInt16BE(segment.toPort, 2);
    payload.writeUInt32BE(segment.sequence, 4);
    payload.writeUInt32BE(segment.acknowledged, 8);
    payload[12] = (header / 4) << 4;
    payload[13] = segment.flags;
    payload.writeUInt16BE(segment.window, 14);
    if (largest !== undefined) {
      payload[20] = 2;
      payload[21] = 4;
      payload.writeUInt16BE(largest, 22);
    }
    data.copy(payload, header);
  });
}
