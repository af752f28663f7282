import type { SiteProps } from "./site.ts";

export function userData({ pins }: SiteProps, role: string, server: string): string {
  return pins.roles[role]!.userDataTemplate.replaceAll("{{server}}", server);
}
