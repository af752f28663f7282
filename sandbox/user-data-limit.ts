import type { ApiRequest } from "./api-request.ts";
import { Refusal } from "./refusal.ts";
import type { StandIn } from "./stand-in.ts";

/** Before it is encoded. */
const limitBytes = 16_384;

/** Refuses user-data that is longer than EC2 takes, or no base64; the emulator takes all. */
export const userDataLimit: StandIn = {
  answer({ service, form }: ApiRequest) {
    if (service !== "ec2" && service !== "autoscaling") return undefined;
    const data = form.get("UserData") ?? form.get("LaunchTemplateData.UserData") ?? "";
    if (!/^[A-Za-z0-9+/\s]*=*\s*$/.test(data))
      throw new Refusal("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
    if (Buffer.from(data, "base64").length > limitBytes)
      throw new Refusal("InvalidParameterValue", `User data is limited to ${limitBytes} bytes`);
    return undefined;
  },
  after: async () => undefined,
  reset: () => undefined,
};
