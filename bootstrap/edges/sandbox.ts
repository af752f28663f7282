/** The sandbox as the rest of Rekindle sees it: started, found, spoken to and put into a shell's environment. */
export type {
  BuilderOutcome,
  EngineChoice,
  EngineWish,
  Fault,
  FaultKind,
  FaultRule,
  GatewayRequest,
  ListenerStatus,
  LossMode,
  RequestPage,
  SandboxStatus,
} from "../../sandbox/protocol.ts";
export type { Sandbox, SandboxHandle } from "./sandbox/client.ts";
export { applyEnvironment, type SandboxEnvironment, sandboxEnvironment } from "./sandbox/environment.ts";
export { findSandbox } from "./sandbox/find.ts";
export { type StartSandbox, startSandbox } from "./sandbox/start.ts";
