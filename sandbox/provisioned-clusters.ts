import type { Emulator } from "./emulator.ts";

const scaling = "<ScalingConfigurationInfo/>";

/** Of clusters that are no serverless ones the emulator tells an empty scaling, which Terraform would want to change. */
export function withProvisionedClusters(emulator: Emulator): Emulator {
  return {
    ...emulator,
    async call(call) {
      const answer = await emulator.call(call);
      if (!answer.body.includes(scaling)) return answer;
      return { ...answer, body: Buffer.from(answer.body.toString().replaceAll(scaling, "")) };
    },
  };
}
