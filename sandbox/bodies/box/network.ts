import { spawn } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describeEnding, run, succeeded } from "../../../bootstrap/edges/process.ts";
import { metadataAddress, resolverAddress, type SurroundingPort } from "../addresses.ts";
import { dnsAnswer } from "../dns-answer.ts";
import type { FromRelay, ToRelay } from "../relay/protocol.ts";
import { endingWithUs } from "./programs.ts";

/** A region's private network: one bridge with its bodies and a relay on it, and no way out. */
export interface Network {
  /** Gives the network namespace of a process an `eth0` that is on this network. */
  join(pid: number): Promise<void>;
  connect(address: string, port: number): Promise<Duplex>;
  /** Resolves when it has ended, by `close` or by itself: then nobody on it reaches anything. */
  readonly gone: Promise<void>;
  close(): Promise<void>;
}

export interface Neighbours {
  /** Answers what bodies ask on each port of their surroundings. */
  ports: Readonly<Record<SurroundingPort, RequestListener>>;
  resolve(name: string): string | undefined;
}

/**
 * The bridge exists in a namespace of its own, which is gone with the relay. Its hardware address is set: it would else be
 * the lowest of its bodies', and whoever knew the one before would lose the resolver whenever a body comes or goes.
 */
const makeNetwork = `
ip -batch - <<END || exit 1
link set lo up
link add bridge address 02:00:00:00:00:01 type bridge
address add ${metadataAddress}/32 dev bridge
address add ${resolverAddress}/32 dev bridge
link set bridge up
route add default dev bridge src ${metadataAddress}
END
exec "$@"
`;

export async function openNetwork(relayScript: string, { ports, resolve }: Neighbours): Promise<Network> {
  const [command, args] = endingWithUs(
    "unshare",
    "--net",
    "sh",
    "-c",
    makeNetwork,
    "rekindle-relay",
    process.execPath,
    relayScript,
  );
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { PATH: process.env.PATH },
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-4096);
  });
  const servers = Object.fromEntries(
    Object.entries(ports).map(([port, listener]) => [port, handOverServer(listener)]),
  ) as Record<SurroundingPort, Server>;
  const opening = new Map<number, { resolve(socket: Duplex): void; reject(error: Error): void }>();
  let ended: Error | undefined;
  const gone = new Promise<void>((done) => {
    const end = (reason: string) => {
      ended ??= new Error(reason);
      for (const { reject } of opening.values()) reject(ended);
      opening.clear();
      done();
    };
    child.once("error", (error) => end(`the region's network can't be made: ${error.message}`));
    child.once("exit", (code, signal) =>
      end(`the region's network has ended (${signal ?? code}): ${said.trim()}`),
    );
  });
  const tell = (message: ToRelay) => child.connected && child.send(message, () => undefined);
  const ready = new Promise<void>((done) => {
    child.on("message", (message: FromRelay, handle) => {
      const socket = handle as Socket | undefined;
      if (message.kind === "ready") done();
      else if (message.kind === "query") {
        const packet = dnsAnswer(Buffer.from(message.packet, "base64"), resolve);
        if (packet !== undefined)
          tell({ kind: "answer", to: message.from, packet: packet.toString("base64") });
      } else if (message.kind === "accepted") {
        // A connection that was closed on its way comes without a handle.
        if (socket) servers[message.port].emit("connection", socket);
      } else {
        const { id } = message;
        if (message.kind === "failed")
          opening.get(id)?.reject(Object.assign(new Error(message.message), { code: message.code }));
        else if (socket) opening.get(id)?.resolve(socket);
        else
          opening
            .get(id)
            ?.reject(Object.assign(new Error("closed by the other side"), { code: "ECONNRESET" }));
        opening.delete(id);
      }
    });
  });
  await Promise.race([ready, gone]);
  if (ended) throw ended;

  let joined = 0;
  let connections = 0;
  return {
    gone,
    async join(pid) {
      joined += 1;
      const lines = `link add v${joined} type veth peer name eth0 netns ${pid}\nlink set v${joined} master bridge up\n`;
      const made = await run("nsenter", [`--net=/proc/${child.pid}/ns/net`, "ip", "-batch", "-"], {
        input: lines,
      });
      if (!succeeded(made))
        throw new Error(
          `the machine can't join the network: ip ${describeEnding(made.ending)}: ${made.stderr.trim()}`,
        );
    },
    connect(address, port) {
      if (ended) return Promise.reject(ended);
      connections += 1;
      const id = connections;
      tell({ kind: "connect", id, address, port });
      return new Promise((resolve, reject) => opening.set(id, { resolve, reject }));
    },
    async close() {
      if (child.connected) child.disconnect();
      await gone;
      for (const server of Object.values(servers)) server.closeAllConnections();
    },
  };
}

/** A server that listens nowhere: its connections are handed to it. */
function handOverServer(listener: RequestListener): Server {
  const server = createServer(listener);
  server.keepAliveTimeout = 60_000;
  return server;
}
