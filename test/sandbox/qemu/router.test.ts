import type { RequestListener } from "node:http";
import { request } from "node:http";
import { expect, test } from "vitest";
import { metadataAddress, resolverAddress } from "../../../sandbox/bodies/addresses.ts";
import { Connection } from "../../../sandbox/bodies/qemu/network/connection.ts";
import {
  arpQuestion,
  etherType,
  etherTypes,
  flags,
  protocols,
  readIp,
  readTcp,
  readUdp,
  tcpFrame,
  udpFrame,
} from "../../../sandbox/bodies/qemu/network/packets.ts";
import { openRouter } from "../../../sandbox/bodies/qemu/network/router.ts";

const routerMac = Buffer.from([2, 0, 0, 0, 0, 1]);
const macs = new Map([10, 11].map((last) => [`10.0.1.${last}`, Buffer.from([6, 0, 10, 0, 1, last])]));

/** A router with two machines that are nothing but the frames that they get. */
function twoMachines(answer: RequestListener = (_, response) => response.end("an answer")) {
  const router = openRouter({
    ports: { metadata: answer, aws: answer, packages: answer },
    resolve: (name) => (name === "db.internal" ? "10.0.1.200" : undefined),
  });
  const machine = (address: string) => {
    const got: Buffer[] = [];
    const plug = router.plug(address, macs.get(address)!, (frame) => made.onFrame(frame));
    const made = {
      ...plug,
      got,
      address,
      way: { to: routerMac, from: macs.get(address)! },
      onFrame: (frame: Buffer): void => void got.push(frame),
    };
    return made;
  };
  return { router, one: machine("10.0.1.10"), other: machine("10.0.1.11") };
}

function whoHas(asked: string, from: string): Buffer {
  const frame = Buffer.alloc(42);
  frame.fill(0xff, 0, 6);
  macs.get(from)!.copy(frame, 6);
  frame.writeUInt16BE(etherTypes.arp, 12);
  Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]).copy(frame, 14);
  macs.get(from)!.copy(frame, 22);
  Buffer.from(from.split(".").map(Number)).copy(frame, 28);
  Buffer.from(asked.split(".").map(Number)).copy(frame, 38);
  expect(arpQuestion(frame)).toBe(asked);
  return frame;
}

test("tells the way to whoever is there, and to nobody else", () => {
  const { one } = twoMachines();
  for (const asked of [metadataAddress, resolverAddress, "10.0.1.11"]) {
    one.receive(whoHas(asked, one.address));
    const answer = one.got.pop()!;
    expect(etherType(answer)).toBe(etherTypes.arp);
    expect(answer.subarray(22, 28)).toEqual(routerMac);
  }
  for (const asked of ["1.1.1.1", "10.0.1.99", one.address]) one.receive(whoHas(asked, one.address));
  expect(one.got).toEqual([]);
});

test("carries packets to the machine with their address, and drops those that come from another one's", () => {
  const { one, other } = twoMachines();
  const datagram = { fromPort: 5000, toPort: 6000, data: Buffer.from("hello") };
  one.receive(udpFrame(one.way, { from: one.address, to: other.address }, datagram));
  one.receive(udpFrame(one.way, { from: "10.0.1.77", to: other.address }, datagram));
  one.receive(udpFrame(one.way, { from: one.address, to: "8.8.8.8" }, datagram));
  expect(other.got).toHaveLength(1);
  expect(other.got[0]!.subarray(0, 6)).toEqual(macs.get(other.address));
  expect(readUdp(readIp(other.got[0]!)!)).toEqual(datagram);
});

test("answers for the names of its region", () => {
  const { one } = twoMachines();
  const query = Buffer.concat([
    Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2]),
    Buffer.from("db"),
    Buffer.from([8]),
    Buffer.from("internal"),
    Buffer.from([0, 0, 1, 0, 1]),
  ]);
  const addresses = { from: one.address, to: resolverAddress };
  one.receive(udpFrame(one.way, addresses, { fromPort: 5353, toPort: 53, data: query }));
  const packet = readIp(one.got[0]!)!;
  expect(packet).toMatchObject({ from: resolverAddress, to: one.address, protocol: protocols.udp });
  expect([...readUdp(packet)!.data.subarray(-4)]).toEqual([10, 0, 1, 200]);
});

test("refuses connections to ports where nobody listens, and a machine may refuse the gateway's", async () => {
  const { router, one } = twoMachines();
  const asking = { sequence: 1, acknowledged: 0, flags: flags.syn, window: 1000, data: Buffer.alloc(0) };
  one.receive(
    tcpFrame(one.way, { from: one.address, to: metadataAddress }, { ...asking, fromPort: 4000, toPort: 81 }),
  );
  expect(readTcp(readIp(one.got.pop()!)!)).toMatchObject({
    flags: flags.rst | flags.ack,
    acknowledged: 2,
    toPort: 4000,
  });

  const connecting = router.connect(one.address, 80);
  const { fromPort, sequence } = readTcp(readIp(one.got.pop()!)!)!;
  const refusal = { ...asking, flags: flags.rst | flags.ack, acknowledged: sequence + 1 };
  const way = { from: one.address, to: metadataAddress };
  one.receive(tcpFrame(one.way, way, { ...refusal, fromPort: 80, toPort: fromPort }));
  await expect(connecting).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await expect(router.connect("10.0.1.99", 80)).rejects.toMatchObject({ code: "EHOSTUNREACH" });
});

test("serves HTTP to a machine, and knows it by its address", async () => {
  const { one } = twoMachines((asked, response) => response.end(asked.socket.remoteAddress));
  const ways = { from: one.address, to: metadataAddress };
  const guest = new Connection(
    metadataAddress,
    (segment) =>
      setImmediate(() => one.receive(tcpFrame(one.way, ways, { ...segment, fromPort: 4000, toPort: 80 }))),
    () => undefined,
  );
  one.onFrame = (frame) => guest.receive(readTcp(readIp(frame)!)!);
  guest.ask();
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ createConnection: () => guest as never, path: "/" }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body));
    });
    asked.on("error", reject).end();
  });
  expect(text).toBe(one.address);
});
