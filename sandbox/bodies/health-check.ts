import { request } from "node:http";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { TargetGroup } from "@aws-sdk/client-elastic-load-balancing-v2";

/** What a load balancer thinks of a target, in the words of AWS. */
export interface Health {
  state: string;
  reason?: string;
  description?: string;
}

/** Where a target group asks for the health of a target, whose traffic goes to `trafficPort`. */
export function healthPortOf({ HealthCheckPort = "traffic-port" }: TargetGroup, trafficPort: number): number {
  return HealthCheckPort === "traffic-port" ? trafficPort : Number(HealthCheckPort);
}

/** One health check of a target, asked as its target group says. */
export async function checkHealth(group: TargetGroup, connect: () => Promise<Duplex>): Promise<Health> {
  const { HealthCheckProtocol = "HTTP" } = group;
  const signal = AbortSignal.timeout((group.HealthCheckTimeoutSeconds ?? 5) * 1000);
  let stream: Duplex | undefined;
  try {
    stream = await orAborted(connect(), signal);
    if (HealthCheckProtocol === "TCP") return { state: "healthy" };
    const status = await askStatus(
      HealthCheckProtocol === "HTTPS" ? connectTls({ socket: stream, rejectUnauthorized: false }) : stream,
      group.HealthCheckPath ?? "/",
      signal,
    );
    if (matches(group.Matcher?.HttpCode ?? "200", status)) return { state: "healthy" };
    return unhealthy("Target.ResponseCodeMismatch", `Health checks failed with these codes: [${status}]`);
  } catch (error) {
    if (signal.aborted) return unhealthy("Target.Timeout", "Request timed out");
    return unhealthy("Target.FailedHealthChecks", `Health checks failed: ${(error as Error).message}`);
  } finally {
    stream?.destroy();
  }
}

function unhealthy(reason: string, description: string): Health {
  return { state: "unhealthy", reason, description };
}

/** Gives up a connection that comes too late. */
async function orAborted(connecting: Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("no connection in time"))),
  );
  aborted.catch(() => undefined);
  connecting.then((stream) => signal.aborted && stream.destroy()).catch(() => undefined);
  return await Promise.race([connecting, aborted]);
}

function askStatus(stream: Duplex, path: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "User-Agent": "ELB-HealthChecker/2.0", Connection: "close", Host: "target" };
    const asked = request({ createConnection: () => stream, path, headers, signal }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** `200`, `200,202` or `200-299`. */
function matches(codes: string, status: number): boolean {
  return codes.split(",").some((part) => {
    const [from, to = from] = part.trim().split("-").map(Number);
    return status >= from! && status <= to!;
  });
}
