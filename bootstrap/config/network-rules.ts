import type { Fault } from "../errors.ts";
import { type Block, contains, overlaps, parseCidr } from "./cidr.ts";
import type { Rule, Subject } from "./rule.ts";
import type { Site } from "./schema.ts";
import { isFleet } from "./servers.ts";

const sites: Site[] = ["primary", "recovery"];

/** A block with the place where it stands. */
interface Named {
  keys: string[];
  text: string;
  block: Block;
}

export const networkRules: Rule[] = [
  {
    name: "blocks are well-formed",
    needs: ["network"],
    check: (subject) =>
      allBlocks(subject).flatMap(({ keys, text, block }) =>
        typeof block === "string"
          ? [at(subject, keys, `${keys.join(".")} is ${JSON.stringify(text)}: ${block}`, "correct the block")]
          : [],
      ),
  },
  {
    name: "blocks have a size that AWS takes",
    needs: ["network"],
    check: (subject) =>
      wellFormed(subject).flatMap(({ keys, text, block }) =>
        block.prefix >= 16 && block.prefix <= 28
          ? []
          : [
              at(
                subject,
                keys,
                `${keys.join(".")} is ${text}, and AWS takes blocks from /16 to /28`,
                "choose another size",
              ),
            ],
      ),
  },
  {
    name: "subnets lie in their site's block",
    needs: ["network"],
    check: (subject) =>
      sites.flatMap((site) => {
        const { outer, subnets } = ofSite(subject, site);
        if (outer === undefined) return [];
        return subnets
          .filter(({ block }) => !contains(outer.block, block))
          .map(({ keys, text }) =>
            at(
              subject,
              keys,
              `${keys.join(".")} is ${text}, outside of the site's ${outer.text}`,
              "choose a part of it",
            ),
          );
      }),
  },
  {
    name: "subnets of a site do not overlap",
    needs: ["network"],
    check: (subject) =>
      sites.flatMap((site) => {
        const { subnets } = ofSite(subject, site);
        return subnets.flatMap((subnet, index) =>
          subnets
            .slice(0, index)
            .filter((earlier) => overlaps(earlier.block, subnet.block))
            .map((earlier) =>
              at(
                subject,
                subnet.keys,
                `${subnet.keys.join(".")} ${subnet.text} overlaps ${earlier.keys.join(".")} ${earlier.text}`,
                "choose blocks that do not overlap",
              ),
            ),
        );
      }),
  },
  {
    name: "sites do not overlap",
    needs: ["network"],
    check: (subject) => {
      const [primary, recovery] = sites.map((site) => ofSite(subject, site).outer);
      if (primary === undefined || recovery === undefined || !overlaps(primary.block, recovery.block))
        return [];
      return [
        at(
          subject,
          recovery.keys,
          `network.recovery.cidr ${recovery.text} overlaps network.primary.cidr ${primary.text}`,
          "choose blocks that do not overlap, so that both sites can be reached at once",
        ),
      ];
    },
  },
  {
    name: "regions differ",
    needs: ["regions"],
    check: (subject) => {
      const { primary, recovery } = subject.topology.environment.regions;
      if (primary !== recovery) return [];
      return [
        at(
          subject,
          ["regions", "recovery"],
          `regions.recovery is ${recovery}, the primary region too`,
          "name another region: nothing recovers from the lost one",
        ),
      ];
    },
  },
  {
    name: "a site has a zone",
    needs: ["network"],
    check: (subject) =>
      sites
        .filter((site) => Object.keys(subject.topology.environment.network[site].zones).length === 0)
        .map((site) =>
          at(subject, ["network", site, "zones"], `network.${site}.zones is empty`, "add a zone, such as a"),
        ),
  },
  {
    name: "load balancers and databases have two zones",
    needs: ["network", "roles", "databases"],
    check: (subject) => {
      const { environment, roles } = subject.topology;
      const needy = [
        ...Object.keys(environment.roles).filter((role) => roles[role] !== undefined && isFleet(roles[role])),
        ...Object.keys(environment.databases),
      ];
      if (needy.length === 0) return [];
      return sites
        .filter((site) => Object.keys(environment.network[site].zones).length === 1)
        .map((site) =>
          at(
            subject,
            ["network", site, "zones"],
            `network.${site} has one zone, and ${needy.join(", ")} need two`,
            "add a zone",
          ),
        );
    },
  },
];

function allBlocks({ topology }: Subject): { keys: string[]; text: string; block: Block | string }[] {
  return sites.flatMap((site) => {
    const { cidr, zones } = topology.environment.network[site];
    const entries = [
      { keys: ["network", site, "cidr"], text: cidr },
      ...Object.entries(zones).flatMap(([zone, subnets]) =>
        (["public", "private"] as const).map((kind) => ({
          keys: ["network", site, "zones", zone, kind],
          text: subnets[kind],
        })),
      ),
    ];
    return entries.map((entry) => ({ ...entry, block: parseCidr(entry.text) }));
  });
}

function wellFormed(subject: Subject): Named[] {
  return allBlocks(subject).flatMap(({ keys, text, block }) =>
    typeof block === "string" ? [] : [{ keys, text, block }],
  );
}

function ofSite(subject: Subject, site: Site): { outer: Named | undefined; subnets: Named[] } {
  const blocks = wellFormed(subject).filter(({ keys }) => keys[1] === site);
  return {
    outer: blocks.find(({ keys }) => keys[2] === "cidr"),
    subnets: blocks.filter(({ keys }) => keys[2] === "zones"),
  };
}

function at({ environmentFile }: Subject, keys: string[], message: string, move: string): Fault {
  return { place: environmentFile.place(keys), message, move };
}
