import { Eip } from "@cdktf/provider-aws/lib/eip/index.js";
import { InternetGateway } from "@cdktf/provider-aws/lib/internet-gateway/index.js";
import { NatGateway } from "@cdktf/provider-aws/lib/nat-gateway/index.js";
import { Route } from "@cdktf/provider-aws/lib/route/index.js";
import { RouteTable } from "@cdktf/provider-aws/lib/route-table/index.js";
import { RouteTableAssociation } from "@cdktf/provider-aws/lib/route-table-association/index.js";
import { Subnet } from "@cdktf/provider-aws/lib/subnet/index.js";
import { Vpc } from "@cdktf/provider-aws/lib/vpc/index.js";
import { VpcEndpoint } from "@cdktf/provider-aws/lib/vpc-endpoint/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { type SiteProps, siteName, zonesOf } from "./site.ts";

/**
 * A site's network: per zone a public subnet for load balancers and a private one for servers, one NAT gateway,
 * and S3 through a gateway endpoint, so that fetching a release needs neither the internet nor the NAT gateway.
 * One NAT gateway is enough to come up; losing its zone cuts the way out, not the service.
 */
export class Network extends Construct {
  readonly vpcId: string;
  readonly publicSubnetIds: string[];
  readonly privateSubnetIds: string[];
  /** Servers may start when these are there. */
  readonly ready: ITerraformDependable[];
  readonly #privateSubnets = new Map<string, string>();

  constructor(scope: Construct, id: string, props: SiteProps) {
    super(scope, id);
    const { environment } = props.topology;
    const { site, region } = props.pins;
    const { cidr, zones } = environment.network[site];
    const name = siteName(props);
    // No DNS host names and no public addresses by default: nothing here needs them, and each is one more wait.
    const vpc = new Vpc(this, "vpc", { cidrBlock: cidr, tags: { Name: name } });
    const gateway = new InternetGateway(this, "internet", { vpcId: vpc.id, tags: { Name: name } });
    const publicRoutes = new RouteTable(this, "public-routes", {
      vpcId: vpc.id,
      tags: { Name: `${name}-public` },
    });
    const privateRoutes = new RouteTable(this, "private-routes", {
      vpcId: vpc.id,
      tags: { Name: `${name}-private` },
    });
    const out = new Route(this, "public-out", {
      routeTableId: publicRoutes.id,
      destinationCidrBlock: "0.0.0.0/0",
      gatewayId: gateway.id,
    });

    const associations: ITerraformDependable[] = [];
    const subnet = (
      kind: "public" | "private",
      zone: string,
      cidrBlock: string,
      routeTableId: string,
    ): string => {
      const created = new Subnet(this, `${kind}-${zone}`, {
        vpcId: vpc.id,
        cidrBlock,
        availabilityZone: `${region}${zone}`,
        tags: { Name: `${name}-${kind}-${zone}` },
      });
      associations.push(
        new RouteTableAssociation(this, `${kind}-${zone}-routes`, { subnetId: created.id, routeTableId }),
      );
      return created.id;
    };
    const letters = zonesOf(environment, site);
    this.publicSubnetIds = letters.map((zone) =>
      subnet("public", zone, zones[zone]!.public, publicRoutes.id),
    );
    this.privateSubnetIds = letters.map((zone) => {
      const created = subnet("private", zone, zones[zone]!.private, privateRoutes.id);
      this.#privateSubnets.set(zone, created);
      return created;
    });

    const address = new Eip(this, "nat-address", { domain: "vpc", tags: { Name: `${name}-nat` } });
    const nat = new NatGateway(this, "nat", {
      allocationId: address.id,
      subnetId: this.publicSubnetIds[0]!,
      tags: { Name: name },
      dependsOn: [out],
    });
    const wayOut = new Route(this, "private-out", {
      routeTableId: privateRoutes.id,
      destinationCidrBlock: "0.0.0.0/0",
      natGatewayId: nat.id,
    });
    const s3 = new VpcEndpoint(this, "s3", {
      vpcId: vpc.id,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: "Gateway",
      routeTableIds: [privateRoutes.id],
      tags: { Name: `${name}-s3` },
    });
    this.vpcId = vpc.id;
    this.ready = [wayOut, s3, ...associations];
  }

  privateSubnetId(zone: string): string {
    return this.#privateSubnets.get(zone)!;
  }
}
