import type { Answer } from "../../answer.ts";
import type { ApiRequest } from "../../api-request.ts";
import type { Emulator } from "../../emulator.ts";
import { Refusal } from "../../refusal.ts";
import type { ReplicatedBackups } from "../../replicated-backups.ts";
import { forwardRestore, replicatedSource } from "../../restore-of-replicated.ts";
import { forwardAcrossAccounts } from "../../shared-copies.ts";
import type { StandIn } from "../../stand-in.ts";
import { type Call, instanceActions } from "./actions.ts";
import type { Databases } from "./databases.ts";
import { withKnown } from "./described.ts";
import { ReplicatedData } from "./replicated-data.ts";
import { snapshotActions } from "./snapshot-actions.ts";

const actions = {
  ...instanceActions,
  ...snapshotActions,
  DescribeDBInstances: ({ forward }: Call) => forward(),
};

/** The emulator's own refusal of a call, which is the client's answer. */
class Refused extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`the emulator answered ${answer.status}`);
    this.answer = answer;
  }
}

/** Gives RDS's calls their effect on PostgreSQL servers, and tells in the answers how far those have come. */
export class RdsBodies implements StandIn {
  readonly #regionOf: (region: string) => Promise<Databases>;
  readonly #backups: ReplicatedBackups;
  readonly #replicated: ReplicatedData;

  constructor(regionOf: (region: string) => Promise<Databases>, backups: ReplicatedBackups) {
    this.#regionOf = regionOf;
    this.#backups = backups;
    this.#replicated = new ReplicatedData(regionOf);
    backups.data = this.#replicated;
  }

  async answer(request: ApiRequest, emulator: Emulator): Promise<Answer | undefined> {
    const { service, action, region, form } = request;
    const act = Object.hasOwn(actions, action) ? actions[action as keyof typeof actions] : undefined;
    if (service !== "rds" || act === undefined) return undefined;
    const databases = await this.#regionOf(region);
    try {
      let answer: Answer | undefined;
      const said = async () => {
        const backup = action.startsWith("Restore")
          ? replicatedSource(this.#backups, region, form)
          : undefined;
        answer = await (backup
          ? forwardRestore(request, backup, emulator)
          : forwardAcrossAccounts(emulator, request));
        if (answer.status >= 300) throw new Refused(answer);
        return answer.body.toString();
      };
      await act({
        databases,
        backups: this.#backups,
        replicated: this.#replicated,
        emulator,
        form,
        forward: said,
        regionOf: this.#regionOf,
      });
      if (action !== "DescribeDBInstances") await databases.forgetSnapshots();
      return answer && { ...answer, body: Buffer.from(withKnown(answer.body.toString(), databases.known)) };
    } catch (error) {
      if (error instanceof Refused) return error.answer;
      if (error instanceof Refusal) throw error;
      const { message } = error as Error;
      throw new Refusal(
        "InternalFailure",
        `the sandbox could not do this to its database: ${message}`,
        error as Error,
      );
    }
  }

  async after(): Promise<void> {}

  /** What else it knows is the regions', which are reset by themselves. */
  async reset(): Promise<void> {
    await this.#replicated.clear();
  }
}
