import type { TerraformStack } from "cdktf";
import { TerraformData } from "./terraform-data.ts";

/**
 * Makes every plan of the stack fail with the reasons. The precondition is known when Terraform plans, and a
 * failed plan applies nothing: what an earlier deployment made stays as it is.
 */
export function refuseToDeploy(stack: TerraformStack, reasons: readonly string[]): void {
  const refusal = new TerraformData(stack, "refused");
  refusal.addOverride("lifecycle", {
    precondition: [
      {
        // Terraform wants a condition that refers to something.
        condition: "${terraform.workspace == null}",
        error_message: literal(
          `nothing can be deployed:\n${reasons.map((reason) => `- ${reason}`).join("\n")}`,
        ),
      },
    ],
  });
}

/** Text that Terraform must not read as a template. */
function literal(text: string): string {
  return text.replace(/[$%](?=\{)/g, (sign) => sign + sign);
}
