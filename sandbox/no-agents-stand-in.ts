import { Refusal } from "./refusal.ts";
import type { StandIn } from "./stand-in.ts";

/** Without bodies no instance runs SSM's agent: the emulator would say that a command ran, and nothing has. */
export const noAgentsStandIn: StandIn = {
  answer({ service, action, body }) {
    if (service !== "ssm" || action !== "SendCommand") return undefined;
    const { InstanceIds = [] } = JSON.parse(body.toString()) as { InstanceIds?: string[] };
    throw new Refusal(
      "InvalidInstanceId",
      `instance ${InstanceIds.join(", ")} has no body, and so no SSM agent`,
    );
  },
  async after() {},
  reset() {},
};
