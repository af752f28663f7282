import { gunzipSync } from "node:zlib";
import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { callQueryService } from "./forward.ts";
import type { BuilderOutcome } from "./protocol.ts";
import type { StandIn } from "./stand-in.ts";

const notice = "rekindle: the emulator ran no user-data; this power-off is the gateway's stand-in";
const builderTag = "rekindle:builder";

/**
 * Stands in for the user-data of an image builder: powers it off, and gives it a console that ends with the success
 * mark that its user-data would have printed. Nothing is installed and nothing is checked, and the console says so.
 * A local machine that runs the user-data will replace this file.
 */
export class BuilderStandIn implements StandIn {
  outcome: BuilderOutcome = "succeeds";
  readonly #consoles = new Map<string, string>();

  answer({ service, action, form }: ApiRequest): Answer | undefined {
    if (service !== "ec2" || action !== "GetConsoleOutput") return undefined;
    const instance = form.get("InstanceId") ?? "";
    const text = this.#consoles.get(instance);
    return text === undefined ? undefined : consoleAnswer(instance, text);
  }

  async after(request: ApiRequest, answer: Answer, emulator: Parameters<StandIn["after"]>[2]): Promise<void> {
    const { service, action, form, region } = request;
    const userData = form.get("UserData");
    if (service !== "ec2" || action !== "RunInstances" || userData === null || !isBuilder(form)) return;
    const outcome = this.outcome;
    for (const [, instance] of answer.body.toString().matchAll(/<instanceId>(i-[0-9a-f]+)<\/instanceId>/g)) {
      this.#consoles.set(instance!, consoleText(outcome, userData));
      if (outcome === "never-stops") continue;
      const stop = { Action: "StopInstances", Version: "2016-11-15", "InstanceId.1": instance! };
      await callQueryService(emulator, "ec2", region, stop);
    }
  }

  reset(): void {
    this.outcome = "succeeds";
    this.#consoles.clear();
  }
}

function isBuilder(form: URLSearchParams): boolean {
  return [...form].some(
    ([name, value]) => /^TagSpecification\.\d+\.Tag\.\d+\.Key$/.test(name) && value === builderTag,
  );
}

function consoleText(outcome: BuilderOutcome, userData: string): string {
  switch (outcome) {
    case "succeeds":
      return [notice, ...successMark(userData), ""].join("\n");
    case "fails":
      return `${notice}\nrekindle-bake-failed: the sandbox was asked to let builders fail\n`;
    case "never-stops":
      return "rekindle: the emulator ran no user-data; the sandbox was asked to let builders run on\n";
  }
}

/** The line that the user-data prints last when all went well, if it has one. */
function successMark(userData: string): string[] {
  const bytes = Buffer.from(userData, "base64");
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (isGzip ? gunzipSync(bytes) : bytes).toString();
  return /rekindle-bake-ok [0-9a-f]{64}/.exec(text) ?? [];
}

function consoleAnswer(instance: string, text: string): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>rekindle-gateway</requestId><instanceId>${instance}</instanceId><output>${Buffer.from(text).toString("base64")}</output></GetConsoleOutputResponse>`;
  return { status: 200, headers: ["Content-Type", "text/xml;charset=UTF-8"], body: Buffer.from(xml) };
}
