/**
 * Answers to DNS queries with one question, as every resolver sends them (RFC 1035): an address for a name that is known,
 * nothing for other types of a known name, and "no such name" for every other.
 */
export function dnsAnswer(query: Buffer, resolve: (name: string) => string | undefined): Buffer | undefined {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const address = resolve(question.name);
  const wantsAddress = question.type === typeA && question.class === classInternet;
  const records = address === undefined || !wantsAddress ? [] : [addressRecord(address)];
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  const asked = query.readUInt16BE(2);
  header.writeUInt16BE(
    flags.response |
      flags.recursionAvailable |
      (asked & flags.recursionDesired) |
      (address === undefined ? noSuchName : 0),
    2,
  );
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(headerBytes, question.end), ...records]);
}

const headerBytes = 12;
const typeA = 1;
const classInternet = 1;
const noSuchName = 3;
const flags = { response: 0x8000, recursionDesired: 0x0100, recursionAvailable: 0x0080 };
/** A pointer to the name of the question, which follows the header. */
const sameName = 0xc000 | headerBytes;
/** An address may change with the next rebuild. */
const secondsToLive = 5;

interface Question {
  name: string;
  type: number;
  class: number;
  /** Where it ends in the packet. */
  end: number;
}

/** Undefined for what is no query with a whole question in it. */
function readQuestion(packet: Buffer): Question | undefined {
  if (packet.length < headerBytes || packet.readUInt16BE(2) & flags.response || packet.readUInt16BE(4) !== 1)
    return undefined;
  const labels: string[] = [];
  let at = headerBytes;
  for (;;) {
    const length = packet[at];
    // Nothing comes before a question that it could point to.
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(packet.toString("latin1", at, at + length));
    at += length;
  }
  if (at + 4 > packet.length) return undefined;
  return {
    name: labels.join(".").toLowerCase(),
    type: packet.readUInt16BE(at),
    class: packet.readUInt16BE(at + 2),
    end: at + 4,
  };
}

function addressRecord(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(sameName, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(classInternet, 4);
  record.writeUInt32BE(secondsToLive, 6);
  record.writeUInt16BE(4, 10);
  Buffer.from(address.split(".").map(Number)).copy(record, 12);
  return record;
}
