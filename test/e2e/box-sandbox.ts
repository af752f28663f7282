import { resolve } from "node:path";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { type Sandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";

/** A sandbox whose instances have bodies of the engine box, with no images but what is made in it. */
export function startBoxSandbox(
  stateDir: string,
  { emulator = ["moto_server"], account }: { emulator?: string[]; account?: string } = {},
): Promise<Sandbox> {
  return startSandbox({
    stateDir,
    moto: ["env", "MOTO_EC2_LOAD_DEFAULT_AMIS=false", ...emulator],
    ...(account === undefined ? {} : { account }),
    engine: "box",
    engineCache: resolve(".rekindle"),
    lifetime: "parent",
    gatewayScript: resolve("dist/gateway.js"),
    clock: systemClock,
  });
}
