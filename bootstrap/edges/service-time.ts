import type { ObjectStore } from "./aws/objects.ts";
import type { Clock } from "./clock.ts";

/** S3 tells whole seconds. */
const resolutionMs = 1_000;

/**
 * The moment by the service's clock. Where this machine's clock agrees with it, as far as S3 tells, that one's
 * milliseconds count too; a wrong one is put right to about a second.
 */
export async function serviceTime(store: Pick<ObjectStore, "now">, clock: Pick<Clock, "now">): Promise<Date> {
  const asked = clock.now().getTime();
  const told = (await store.now()).getTime();
  const answered = clock.now();
  if (told <= answered.getTime() && told + resolutionMs > asked) return answered;
  return new Date(told + (answered.getTime() % resolutionMs));
}
