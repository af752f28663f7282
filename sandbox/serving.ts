import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Clock } from "../bootstrap/edges/clock.ts";
import { AutomatedBackupsStandIn } from "./automated-backups-stand-in.ts";
import type { Engine } from "./bodies/engine.ts";
import { BucketHomes } from "./bucket-homes.ts";
import { BuilderStandIn } from "./builder-stand-in.ts";
import { controlPrefix, handleControl, type Identity } from "./control.ts";
import { DebianImageStandIn } from "./debian-image-stand-in.ts";
import type { Emulator } from "./emulator.ts";
import { Faults } from "./faults.ts";
import { type GatewayState, handleApiRequest } from "./gateway.ts";
import { KeptStandIn } from "./kept-stand-in.ts";
import { loadBalancerStandIn } from "./load-balancer-stand-in.ts";
import { LostRegions } from "./lost-regions.ts";
import { withManagedSecrets } from "./managed-secrets.ts";
import { noAgentsStandIn } from "./no-agents-stand-in.ts";
import { orderableDatabases } from "./orderable-databases.ts";
import { withProvisionedClusters } from "./provisioned-clusters.ts";
import { ReplicatedBackups } from "./replicated-backups.ts";
import { RequestLog } from "./request-log.ts";
import { withResourceIds } from "./resource-ids.ts";
import { SnapshotTierStandIn } from "./snapshot-tier-stand-in.ts";
import { TlsPolicyStandIn } from "./tls-policy-stand-in.ts";
import { userDataLimit } from "./user-data-limit.ts";

export interface GatewayParts {
  clock: Clock;
  emulator: Emulator;
  /** Without one, instances stay rows in the emulator's tables. */
  engine: Engine | undefined;
  /** The sandbox's own folder. */
  folder: string;
  requestsFile: string;
  note(line: string): void;
}

/** A gateway's whole state, before its first request. */
export async function gatewayState({
  clock,
  emulator: plain,
  engine,
  folder,
  requestsFile,
  note,
}: GatewayParts): Promise<GatewayState> {
  const emulator = withManagedSecrets(withProvisionedClusters(withResourceIds(plain)));
  const builders = new BuilderStandIn();
  const lost = new LostRegions();
  const backups = new ReplicatedBackups(clock, lost, note);
  const aws = (request: IncomingMessage, response: ServerResponse) => {
    if (!isOfEmulator(request)) return answerApi(state, request, response);
    response.writeHead(403).end("a server of the sandbox has no say in the sandbox\n");
  };
  // What only bodies need is loaded only for them: a sandbox without starts in less time.
  const bodies =
    engine &&
    new (await import("./bodies/bodies.ts")).Bodies({
      engine,
      emulator,
      lost,
      backups,
      folder,
      clock,
      aws,
      note,
    });
  const state: GatewayState = {
    clock,
    emulator,
    homes: new BucketHomes(),
    lost,
    faults: new Faults(),
    log: new RequestLog(requestsFile),
    builders,
    bodies,
    standIns: [
      // A builder that has a body runs its user-data itself.
      ...(bodies?.standIns ?? [builders, noAgentsStandIn]),
      new DebianImageStandIn(),
      loadBalancerStandIn,
      new AutomatedBackupsStandIn(backups),
      new KeptStandIn(clock),
      orderableDatabases,
      new SnapshotTierStandIn(clock),
      new TlsPolicyStandIn(),
      userDataLimit,
    ],
    note,
  };
  return state;
}

/** Answers whatever comes to the gateway's one port. */
export function serve(server: Server, state: GatewayState, identity: Identity): void {
  server.on("request", (incoming, response) => {
    const isControl = new RegExp(`^${controlPrefix}(/|\\?|$)`).test(incoming.url ?? "");
    if (isControl)
      return unlessItFails(state, incoming, response, handleControl(state, identity, incoming, response));
    answerApi(state, incoming, response);
  });
}

/** The emulator's own control API, which resets it and tells all that it holds. */
function isOfEmulator({ url = "" }: IncomingMessage): boolean {
  return /^(https?:\/\/[^/]*)?\/+moto-api(\/|\?|$)/i.test(url);
}

/** The AWS API alone: bodies get no control API. */
function answerApi(state: GatewayState, incoming: IncomingMessage, response: ServerResponse): void {
  unlessItFails(state, incoming, response, handleApiRequest(state, incoming, response));
}

function unlessItFails(
  { note }: GatewayState,
  incoming: IncomingMessage,
  response: ServerResponse,
  handled: Promise<void>,
): void {
  handled.catch((error: Error) => {
    note(`${incoming.method} ${incoming.url}: ${error.stack}`);
    response.socket?.destroy();
  });
}
