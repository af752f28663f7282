import { randomInt } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { metadataAddress, resolverAddress, type SurroundingPort, surroundingPorts } from "../../addresses.ts";
import { dnsAnswer } from "../../dns-answer.ts";
import { type Bare, Connection } from "./connection.ts";
import { dhcpAnswer, dhcpPorts, gatewayOf } from "./dhcp.ts";
import {
  arpAnswer,
  arpQuestion,
  etherType,
  etherTypes,
  flags,
  type IpPacket,
  protocols,
  readIp,
  readTcp,
  readUdp,
  type Segment,
  tcpFrame,
  udpFrame,
} from "./packets.ts";

export interface Neighbours {
  /** Answers what bodies ask on each port of their surroundings. */
  ports: Readonly<Record<SurroundingPort, RequestListener>>;
  resolve(name: string): string | undefined;
}

/** A machine's own end of the region's network. */
export interface Plug {
  /** Takes a frame that the machine sends. */
  receive(frame: Buffer): void;
  /** The machine is gone, or has started anew: nobody is connected to it any more. */
  reset(): void;
  unplug(): void;
}

/** A region's private network, and all that there is outside of its machines. */
export interface Router {
  plug(address: string, mac: Buffer, send: (frame: Buffer) => void): Plug;
  connect(address: string, port: number): Promise<Duplex>;
  close(): void;
}

interface Member {
  mac: Buffer;
  send(frame: Buffer): void;
}

/** The router's own, which machines know everyone else by: as in a VPC, nobody sees another one's Ethernet. */
const ownMac = Buffer.from([0x02, 0, 0, 0, 0, 1]);

/**
 * Carries IP packets between the machines of a region, and answers at the addresses of their surroundings. Whatever is
 * for nobody here goes nowhere, and a machine speaks with no address but its own.
 */
export function openRouter({ ports, resolve }: Neighbours): Router {
  const members = new Map<string, Member>();
  const connections = new Map<string, Connection>();
  const servers = new Map<number, Server>(
    Object.entries(ports).map(([name, listener]) => [
      surroundingPorts[name as SurroundingPort],
      handOverServer(listener),
    ]),
  );
  let lastPort = randomInt(32_768, 60_000);

  const nameOf = (address: string, port: number, ownPort: number) => `${address}:${port} ${ownPort}`;

  const make = (member: Member, address: string, port: number, ownPort: number): Connection => {
    const name = nameOf(address, port, ownPort);
    const send = (segment: Bare) => say(member, address, { ...segment, fromPort: ownPort, toPort: port });
    const made = new Connection(address, send, () => connections.delete(name));
    connections.set(name, made);
    return made;
  };

  const say = (member: Member, to: string, segment: Segment) =>
    member.send(tcpFrame({ to: member.mac, from: ownMac }, { from: metadataAddress, to }, segment));

  const takeTcp = (member: Member, packet: IpPacket) => {
    const segment = readTcp(packet);
    if (segment === undefined) return;
    const { fromPort, toPort, flags: set } = segment;
    const known = connections.get(nameOf(packet.from, fromPort, toPort));
    if (known) return known.receive(segment);
    if (set & flags.rst) return;
    const server = servers.get(toPort);
    if (server && set & flags.syn && !(set & flags.ack)) {
      const accepted = make(member, packet.from, fromPort, toPort);
      // A client that is gone is nothing that the server has to know.
      accepted.on("error", () => undefined);
      accepted.accept(segment);
      server.emit("connection", accepted);
      return;
    }
    say(member, packet.from, refusal(segment));
  };

  const takeUdp = (member: Member, packet: IpPacket) => {
    const asked = readUdp(packet);
    if (packet.to !== resolverAddress || asked?.toPort !== 53) return;
    const data = dnsAnswer(asked.data, resolve);
    if (data === undefined) return;
    const addresses = { from: resolverAddress, to: packet.from };
    member.send(
      udpFrame({ to: member.mac, from: ownMac }, addresses, { fromPort: 53, toPort: asked.fromPort, data }),
    );
  };

  const takeDhcp = (member: Member, address: string, packet: IpPacket) => {
    const asked = packet.protocol === protocols.udp ? readUdp(packet) : undefined;
    if (asked?.toPort !== dhcpPorts.server) return false;
    const answer = dhcpAnswer(asked.data, address);
    if (answer === undefined) return true;
    const ports = { fromPort: dhcpPorts.server, toPort: dhcpPorts.client };
    const addresses = { from: gatewayOf(address), to: answer.to };
    member.send(udpFrame({ to: member.mac, from: ownMac }, addresses, { ...ports, data: answer.data }));
    return true;
  };

  const takeIp = (member: Member, address: string, frame: Buffer) => {
    const packet = readIp(frame);
    // A machine that does not know its address yet asks for it.
    if (packet === undefined || takeDhcp(member, address, packet)) return;
    const { from, to, protocol } = packet;
    if (from !== address) return;
    const other = members.get(to);
    if (other) {
      const carried = Buffer.from(frame);
      other.mac.copy(carried, 0);
      ownMac.copy(carried, 6);
      other.send(carried);
    } else if (to === metadataAddress && protocol === protocols.tcp) takeTcp(member, packet);
    else if (protocol === protocols.udp) takeUdp(member, packet);
  };

  return {
    plug(address, mac, send) {
      const member: Member = { mac, send };
      members.set(address, member);
      const reset = () => {
        for (const [name, connection] of connections)
          if (name.startsWith(`${address}:`)) connection.fail("ECONNRESET", "the machine has ended");
      };
      return {
        receive(frame) {
          const type = etherType(frame);
          if (type === etherTypes.ipv4) takeIp(member, address, frame);
          if (type !== etherTypes.arp) return;
          const asked = arpQuestion(frame);
          const surroundings = [metadataAddress, resolverAddress, gatewayOf(address)];
          const isHere = asked !== undefined && (surroundings.includes(asked) || members.has(asked));
          // Whoever asks for its own address wants to know whether somebody else has it.
          if (isHere && asked !== address) send(arpAnswer(frame, ownMac));
        },
        reset,
        unplug() {
          members.delete(address);
          reset();
        },
      };
    },
    connect(address, port) {
      const member = members.get(address);
      if (member === undefined)
        return Promise.reject(
          Object.assign(new Error(`EHOSTUNREACH: no machine has the address ${address}`), {
            code: "EHOSTUNREACH",
          }),
        );
      do lastPort = lastPort >= 60_999 ? 32_768 : lastPort + 1;
      while (connections.has(nameOf(address, port, lastPort)));
      const asking = make(member, address, port, lastPort);
      return new Promise((resolve, reject) => {
        asking.once("error", reject);
        asking.once("connect", () => {
          asking.off("error", reject);
          resolve(asking);
        });
        asking.ask();
      });
    },
    close() {
      for (const connection of connections.values()) connection.fail("ECONNRESET", "the region is closed");
      for (const server of servers.values()) server.closeAllConnections();
    },
  };
}

/** As a host answers at a port where nobody listens. */
function refusal({ fromPort, toPort, sequence, acknowledged, flags: set, data }: Segment): Segment {
  const length = data.length + (set & (flags.syn | flags.fin) ? 1 : 0);
  return {
    fromPort: toPort,
    toPort: fromPort,
    sequence: set & flags.ack ? acknowledged : 0,
    acknowledged: (sequence + length) >>> 0,
    flags: flags.rst | flags.ack,
    window: 0,
    data: Buffer.alloc(0),
  };
}

/** A server that listens nowhere: its connections are handed to it. */
function handOverServer(listener: RequestListener): Server {
  const server = createServer(listener);
  server.keepAliveTimeout = 60_000;
  return server;
}
