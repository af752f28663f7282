import type { Fault } from "../errors.ts";
import type { Rule } from "./rule.ts";

/** Copies go to places that have none yet. */
export const copyRules: Rule[] = [
  {
    name: "copies go to regions that are not there already",
    needs: ["regions", "copies"],
    check: ({ topology: { environment }, environmentFile }) => {
      const { primary, recovery } = environment.regions;
      const regions = environment.copies?.regions ?? [];
      return regions.flatMap((region, index): Fault[] => {
        const isSite = region === primary || region === recovery;
        if (!isSite && regions.indexOf(region) === index) return [];
        return [
          {
            place: environmentFile.place(["copies", "regions", index]),
            message: isSite
              ? `${region} is a region of the environment, and has its part of everything anyway`
              : `${region} is named twice`,
            move: "remove it, or name another region",
          },
        ];
      });
    },
  },
  {
    name: "a vault is in another account",
    needs: ["account", "copies"],
    check: ({ topology: { environment }, environmentFile }) =>
      environment.copies?.account?.id !== environment.account
        ? []
        : [
            {
              place: environmentFile.place(["copies", "account", "id"]),
              message: "copies.account is the environment's own account, and would be lost with it",
              move: "name another account, or leave it out",
            },
          ],
  },
];
