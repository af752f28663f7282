import type { SurroundingPort } from "../addresses.ts";

/**
 * What a region's relay and the gateway say to each other. Connections themselves go along as handles: the relay takes
 * or makes them inside of the region's network, and from then on they are the gateway's own.
 */
export type FromRelay =
  | { kind: "ready" }
  /** A body has connected to a port of its surroundings; with the connection. */
  | { kind: "accepted"; port: SurroundingPort }
  /** A packet for the region's resolver, in base64. */
  | { kind: "query"; from: { address: string; port: number }; packet: string }
  /** With the connection. */
  | { kind: "connected"; id: number }
  | { kind: "failed"; id: number; code: string; message: string };

export type ToRelay =
  | { kind: "connect"; id: number; address: string; port: number }
  | { kind: "answer"; to: { address: string; port: number }; packet: string };
