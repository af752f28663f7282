import { randomUUID } from "node:crypto";
import type { Clock } from "../bootstrap/edges/clock.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { Refusal } from "./refusal.ts";
import type { StandIn } from "./stand-in.ts";

type Body = Record<string, unknown>;

/** One thing as its maker wrote it. */
interface Kept {
  id: string;
  /** What it belongs to; empty for what stands by itself. */
  owner: string;
  arn: string;
  madeAt: Date;
  body: Body;
}

/** A kind of thing that AWS's engines work by and the emulator does not know. */
interface Kind {
  service: string;
  /** Where one is made, after its owner. */
  collection: RegExp;
  /** Where one is, by its id. */
  item: RegExp;
  /** The name that its maker gave it; others get an id. */
  name(body: Body): string | undefined;
  arnOf: string;
  /** What its maker is told. */
  made(kept: Kept): Body;
  shown(kept: Kept): Body;
}

/**
 * Stands in for policies of Data Lifecycle Manager, and for AWS Backup's selections and restore tests: keeps them as
 * they were written, gives them back and deletes them. Nothing is ever done by them.
 */
export class KeptStandIn implements StandIn {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answer(request: ApiRequest): Answer | undefined {
    const ofService = kinds.filter(({ service }) => service === request.service);
    if (ofService.length === 0) return undefined;
    for (const kind of ofService) {
      const owner = kind.collection.exec(request.path);
      if (owner !== null && ["POST", "PUT"].includes(request.method))
        return this.#make(kind, owner.groups?.owner ?? "", request);
      const item = kind.item.exec(request.path)?.groups;
      if (item !== undefined) return this.#handle(kind, item.owner ?? "", item.id!, request);
    }
    return this.#tags(request);
  }

  async after(): Promise<void> {}

  reset(): void {
    this.#kept.clear();
  }

  #make(kind: Kind, owner: string, request: ApiRequest): Answer {
    const body = JSON.parse(request.body.toString()) as Body;
    const id = kind.name(body) ?? randomUUID();
    const arn = `arn:aws:${kind.service}:${request.region}:${accountIn(request)}:${kind.arnOf}${id}`;
    const kept = { id, owner, arn, madeAt: this.#clock.now(), body };
    this.#kept.set(keyOf(kind, owner, id, request), kept);
    return jsonAnswer(200, kind.made(kept));
  }

  #handle(kind: Kind, owner: string, id: string, request: ApiRequest): Answer {
    const key = keyOf(kind, owner, id, request);
    const kept = this.#kept.get(key);
    if (kept === undefined) throw new Refusal("ResourceNotFoundException", `there is no ${id}`);
    if (request.method === "GET") return jsonAnswer(200, kind.shown(kept));
    if (request.method === "DELETE") this.#kept.delete(key);
    else Object.assign(kept.body, JSON.parse(request.body.toString()));
    return jsonAnswer(200, kind.made(kept));
  }

  #tags({ method, path }: ApiRequest): Answer | undefined {
    const arn = /^\/tags\/(.+?)\/?$/.exec(decodeURIComponent(path))?.[1];
    const kept = [...this.#kept.values()].find((one) => one.arn === arn);
    return kept === undefined || method !== "GET"
      ? undefined
      : jsonAnswer(200, { Tags: kept.body.Tags ?? {} });
  }
}

const seconds = ({ madeAt }: Kept) => madeAt.getTime() / 1000;

const restorePlan = (kept: Kept) => ({
  CreationTime: seconds(kept),
  RestoreTestingPlanArn: kept.arn,
  RestoreTestingPlanName: kept.id,
});

const kinds: readonly Kind[] = [
  {
    service: "dlm",
    collection: /^\/policies\/?$/,
    item: /^\/policies\/(?<id>[^/]+)\/?$/,
    name: () => undefined,
    arnOf: "policy/",
    made: ({ id }) => ({ PolicyId: id }),
    shown: ({ id, arn, madeAt, body }) => ({
      Policy: { ...body, PolicyId: id, PolicyArn: arn, DateCreated: madeAt, DateModified: madeAt },
    }),
  },
  {
    service: "backup",
    collection: /^\/backup\/plans\/(?<owner>[^/]+)\/selections\/?$/,
    item: /^\/backup\/plans\/(?<owner>[^/]+)\/selections\/(?<id>[^/]+)\/?$/,
    name: () => undefined,
    arnOf: "backup-selection:",
    made: (kept) => ({ BackupPlanId: kept.owner, SelectionId: kept.id, CreationDate: seconds(kept) }),
    shown: (kept) => ({
      ...kept.body,
      BackupPlanId: kept.owner,
      SelectionId: kept.id,
      CreationDate: seconds(kept),
    }),
  },
  {
    service: "backup",
    collection: /^\/restore-testing\/plans\/?$/,
    item: /^\/restore-testing\/plans\/(?<id>[^/]+)\/?$/,
    name: ({ RestoreTestingPlan }) => (RestoreTestingPlan as Body).RestoreTestingPlanName as string,
    arnOf: "restore-testing-plan:",
    made: restorePlan,
    shown: (kept) => ({
      RestoreTestingPlan: { ...(kept.body.RestoreTestingPlan as Body), ...restorePlan(kept) },
    }),
  },
  {
    service: "backup",
    collection: /^\/restore-testing\/plans\/(?<owner>[^/]+)\/selections\/?$/,
    item: /^\/restore-testing\/plans\/(?<owner>[^/]+)\/selections\/(?<id>[^/]+)\/?$/,
    name: ({ RestoreTestingSelection }) =>
      (RestoreTestingSelection as Body).RestoreTestingSelectionName as string,
    arnOf: "restore-testing-selection:",
    made: (kept) => ({
      CreationTime: seconds(kept),
      RestoreTestingPlanName: kept.owner,
      RestoreTestingSelectionName: kept.id,
    }),
    shown: (kept) => ({
      RestoreTestingSelection: {
        ...(kept.body.RestoreTestingSelection as Body),
        CreationTime: seconds(kept),
        RestoreTestingPlanName: kept.owner,
        RestoreTestingSelectionName: kept.id,
      },
    }),
  },
];

function keyOf({ arnOf }: Kind, owner: string, id: string, { region }: ApiRequest): string {
  return [region, arnOf, owner, id].join(" ");
}

/** Whatever it is made with is in the account that it is made in. */
function accountIn({ body }: ApiRequest): string {
  return /:(\d{12}):/.exec(body.toString())?.[1] ?? "000000000000";
}
