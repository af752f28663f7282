/** What the gateway's control API speaks: shared by the gateway and its client, so that they cannot drift apart. */

/** On every answer that stands for an emulator's which has ended: why it did. A HEAD has no other place for it. */
export const emulatorEndedHeader = "x-rekindle-emulator-ended";

/** How a lost region fails: connections are reset at once, or no request is ever answered. */
export type LossMode = "refused" | "timeout";

/** What the next builders do: the stand-in for user-data that the emulator does not run. */
export type BuilderOutcome = "succeeds" | "fails" | "never-stops";

/** What gives instances bodies; `none` leaves them rows in the emulator's tables. */
export const engineChoices = ["none", "box", "qemu"] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** `auto` is the best one that can run. */
export const engineWishes = ["auto", ...engineChoices] as const;
export type EngineWish = (typeof engineWishes)[number];

/** A load balancer's listener, as this machine reaches it. */
export interface ListenerStatus {
  region: string;
  /** The load balancer's name and the DNS name that it has in AWS. */
  loadBalancer: string;
  dnsName: string;
  protocol: string;
  /** The port that it has in AWS. */
  port: number;
  /** Where it is reached: on the loopback interface, in plain text whatever its protocol. */
  address: string;
}

export const faultKinds = ["throttle", "500", "503", "reset", "latency", "capacity"] as const;
/** `capacity`: the region has no room for another instance. Auto Scaling groups launch theirs past it. */
export type FaultKind = (typeof faultKinds)[number];

/** A fault for the requests that match all that is named; what is left out matches everything. */
export interface FaultRule {
  service?: string;
  action?: string;
  region?: string;
  /** Part of the matching requests that is hit, evenly spaced: 0.25 hits every fourth. */
  share: number;
  kind: FaultKind;
  /** For `latency` only: how long each hit request is held back. */
  latencyMs?: number;
}

export interface Fault extends FaultRule {
  id: string;
}

/** `forwarded`: the emulator answered. `lost`: it needed a lost region. `fault`: a rule delayed or answered it. */
export type RequestOutcome = "forwarded" | "lost" | "fault";

/** One request to the emulated AWS, as it is logged when its answer is known. */
export interface GatewayRequest {
  seq: number;
  time: string;
  service: string;
  action: string;
  /** Where it was sent; for an outcome `lost`, the lost region that it needed. */
  region: string;
  /** What the client saw; 0 when it saw no answer. */
  status: number;
  /** Request body plus response body, without headers. */
  bytes: number;
  milliseconds: number;
  outcome: RequestOutcome;
}

export interface RequestPage {
  requests: GatewayRequest[];
  /** Pass as `since` to get only what comes after this page. */
  next: number;
}

export interface EmulatorStatus {
  pid: number;
  port: number;
  alive: boolean;
  /** Why it ended; absent while it is alive. */
  ended?: string;
}

export interface SandboxStatus {
  version: 1;
  /** Random for each gateway, so that a recycled process id is not mistaken for it. */
  id: string;
  pid: number;
  startedAt: string;
  moto: EmulatorStatus;
  lostRegions: { region: string; mode: LossMode }[];
  faults: Fault[];
  builders: BuilderOutcome;
  engine: EngineChoice;
  /** What the emulator does not do, one sentence each. */
  limits: string[];
}
