import { createHash } from "node:crypto";
import type { Emulator } from "./emulator.ts";
import { xmlField } from "./xml-text.ts";

/** The one that the emulator gives to every DB instance. */
const shared = "db-M5ENSHXFPU6XHZ4G4ZEI5QIO2U";
const own = /db-[0-9A-F]{26}/g;

/**
 * Gives each DB instance a resource id of its own, which stays when it is renamed, and by which it is found: Terraform
 * goes by it. It is as long as the emulator's, so that a request keeps its length.
 */
export function withResourceIds(emulator: Emulator): Emulator {
  return {
    ...emulator,
    async call(call) {
      if (!call.body.includes("dbi-resource-id")) {
        const answer = await emulator.call(call);
        if (!answer.body.includes(shared)) return answer;
        return { ...answer, body: Buffer.from(rewritten(answer.body.toString())) };
      }
      const asked = call.body.toString();
      const answer = await emulator.call({ ...call, body: Buffer.from(asked.replaceAll(own, shared)) });
      return { ...answer, body: Buffer.from(rewritten(answer.body.toString(), asked.match(own) ?? [])) };
    },
  };
}

/** Of instances and snapshots those that are wanted, which is all unless it is said. */
function rewritten(xml: string, wanted?: readonly string[]): string {
  return xml.replaceAll(/<(DBInstance|DBSnapshot)>.*?<\/\1>/gs, (element) => {
    const id = resourceId(element);
    if (wanted !== undefined && !wanted.includes(id)) return "";
    return element.replaceAll(shared, id);
  });
}

/** When it was made tells an instance from all others, to the microsecond; its snapshots tell it too. */
function resourceId(element: string): string {
  const made = xmlField(element, "InstanceCreateTime");
  if (made === "") return shared;
  return `db-${createHash("sha256").update(made).digest("hex").slice(0, 26).toUpperCase()}`;
}
