import { withLength } from "./corrections.ts";
import type { Emulator, HttpCall } from "./emulator.ts";

/**
 * A DB instance whose password is managed already keeps its secret when that is asked for again, as Terraform does after
 * an import. The emulator would make another one.
 */
export function withManagedSecrets(emulator: Emulator): Emulator {
  return {
    ...emulator,
    async call(call) {
      if (!call.body.includes("ManageMasterUserPassword=true")) return await emulator.call(call);
      const form = new URLSearchParams(call.body.toString());
      if (form.get("Action") !== "ModifyDBInstance") return await emulator.call(call);
      const asked = {
        Action: "DescribeDBInstances",
        Version: form.get("Version") ?? "",
        DBInstanceIdentifier: form.get("DBInstanceIdentifier") ?? "",
      };
      const seen = await emulator.call(withBody(call, new URLSearchParams(asked)));
      if (!seen.body.includes("<MasterUserSecret>")) return await emulator.call(call);
      form.delete("ManageMasterUserPassword");
      return await emulator.call(withBody(call, form));
    },
  };
}

function withBody(call: HttpCall, form: URLSearchParams): HttpCall {
  const body = Buffer.from(form.toString());
  return { ...call, headers: withLength(call.headers, body.length), body };
}
