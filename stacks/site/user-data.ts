import { userDataVariables } from "../../bootstrap/config/user-data.ts";
import { renderUserData } from "../../cloud-init/user-data.ts";
import type { SiteProps } from "./site.ts";

/** A server's user-data, from the release's templates: verification renders the same text. */
export function userData({ topology, pins }: SiteProps, role: string, server: string): string {
  return renderUserData(pins.roles[role]!.userData, userDataVariables(topology, pins, { role, server }));
}
