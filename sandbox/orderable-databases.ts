import type { ApiRequest } from "./api-request.ts";
import { Refusal } from "./refusal.ts";
import type { StandIn } from "./stand-in.ts";

/** What the emulator knows no options of. Its empty list would say that nothing of them is offered anywhere. */
const unknownEngines = /^(postgres|mysql|mariadb)$/;

export const orderableDatabases: StandIn = {
  after: async () => undefined,
  reset: () => undefined,
  answer({ service, action, form }: ApiRequest) {
    const engine = form.get("Engine") ?? "";
    if (service !== "rds" || action !== "DescribeOrderableDBInstanceOptions" || !unknownEngines.test(engine))
      return undefined;
    throw new Refusal("InvalidAction", `the sandbox knows no classes that ${engine} is offered on`);
  },
};
