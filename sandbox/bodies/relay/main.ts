import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { metadataAddress, resolverAddress, type SurroundingPort, surroundingPorts } from "../addresses.ts";
import type { FromRelay, ToRelay } from "./protocol.ts";

/**
 * The gateway's hand in a region's network, which has no way out: it takes connections there and makes them, and hands
 * each over to the gateway. It knows nothing of what goes through them, and ends with the gateway.
 */
const say = (message: FromRelay, handle?: import("node:net").Socket) => process.send!(message, handle);

const resolver = createSocket("udp4");
resolver.on("message", (packet, { address, port }) =>
  say({ kind: "query", from: { address, port }, packet: packet.toString("base64") }),
);

process.on("disconnect", () => process.exit());
process.on("message", (message: ToRelay) => {
  if (message.kind === "answer")
    resolver.send(Buffer.from(message.packet, "base64"), message.to.port, message.to.address);
  else open(message);
});

const listening = Object.keys(surroundingPorts).map((port) => accept(port as SurroundingPort));
await Promise.all([...listening, new Promise<void>((bound) => resolver.bind(53, resolverAddress, bound))]);
say({ kind: "ready" });

function accept(port: SurroundingPort): Promise<void> {
  // What a connection says first is for whom it is handed to.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    say({ kind: "accepted", port }, socket),
  );
  return new Promise((bound) => server.listen(surroundingPorts[port], metadataAddress, bound));
}

function open({ id, address, port }: ToRelay & { kind: "connect" }): void {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  socket.pause();
  socket.once("connect", () => say({ kind: "connected", id }, socket));
  socket.once("error", (error: NodeJS.ErrnoException) =>
    say({ kind: "failed", id, code: error.code ?? "", message: error.message }),
  );
}
