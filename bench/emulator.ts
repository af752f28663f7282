import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../bootstrap/edges/clock.ts";
import { type Sandbox, startSandbox } from "../bootstrap/edges/sandbox.ts";

/** An S3 endpoint that all tools of a benchmark speak to: the sandbox's, so that requests are counted alike. */
export async function withSandbox<T>(
  work: (sandbox: Sandbox, folder: string) => Promise<T>,
  moto: readonly string[] = ["moto_server"],
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-bench-"));
  const sandbox = await startSandbox({
    stateDir: join(folder, "sandbox"),
    moto,
    lifetime: "parent",
    gatewayScript: join("dist", "bench", "gateway.js"),
    clock: systemClock,
  });
  try {
    return await work(sandbox, folder);
  } finally {
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** How many requests the endpoint got while some work was done. */
export async function countRequests(sandbox: Sandbox, work: () => Promise<unknown>): Promise<number> {
  const { next } = await sandbox.requestsSince(Number.MAX_SAFE_INTEGER).catch(() => ({ next: 0 }));
  const before = await seen(sandbox, next);
  await work();
  return (await seen(sandbox, before)) - before;
}

async function seen(sandbox: Sandbox, from: number): Promise<number> {
  let at = from;
  for (;;) {
    const page = await sandbox.requestsSince(at);
    if (page.requests.length === 0) return page.next;
    at = page.next;
  }
}

export const region = "eu-central-1";

/** What every tool needs to speak to the endpoint. */
export function shellOf(sandbox: Sandbox): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: sandbox.endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_DEFAULT_REGION: region,
    AWS_REGION: region,
    AWS_CA_BUNDLE: "",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
