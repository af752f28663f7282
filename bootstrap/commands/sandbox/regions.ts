import { RekindleError } from "../../errors.ts";
import { runningSandbox, type SandboxContext } from "./context.ts";

export async function cutRegion(context: SandboxContext, region: string, mode: string): Promise<void> {
  if (mode !== "refused" && mode !== "timeout") {
    throw new RekindleError("bad-input", `--mode is ${JSON.stringify(mode)}; give refused or timeout`);
  }
  await (await runningSandbox(context)).loseRegion(region, mode);
  const how = mode === "refused" ? "every connection to it is reset" : "no request to it is answered";
  context.print(`${region} is lost: ${how}; bring it back with: rekindle sandbox restore ${region}`);
}

export async function restoreRegion(context: SandboxContext, region: string): Promise<void> {
  await (await runningSandbox(context)).restoreRegion(region);
  context.print(`${region} answers again`);
}
