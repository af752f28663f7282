import { dependable, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../bootstrap/config/schema.ts";
import { TerraformData } from "../terraform-data.ts";
import type { Network } from "./network.ts";

/**
 * The order of dependence between roles and databases. Each has one gate, which opens when all of it is there, and
 * servers wait for gates: without them two roles of 250 servers would make 62 500 edges.
 */
export class Order extends Construct {
  readonly #gates = new Map<string, TerraformData>();
  readonly #environment: Environment;
  readonly #network: TerraformData;

  constructor(
    scope: Construct,
    id: string,
    { environment, network }: { environment: Environment; network: Network },
  ) {
    super(scope, id);
    this.#environment = environment;
    // Servers fetch their release at boot, so the way out must be there before them.
    this.#network = new TerraformData(this, "network", { dependsOn: network.ready });
    for (const name of [...Object.keys(environment.databases), ...Object.keys(environment.roles)]) {
      this.#gates.set(name, new TerraformData(this, name));
    }
  }

  /** What the role's servers wait for. */
  before(role: string): ITerraformDependable[] {
    const first = this.#environment.roles[role]!.dependsOn.map((name) => this.#gates.get(name)!);
    return [this.#network, ...first];
  }

  /** Opens the gate of a role or database when these are there. */
  provides(name: string, resources: readonly ITerraformDependable[]): void {
    this.#gates.get(name)!.dependsOn = resources.map((resource) => dependable(resource));
  }
}
