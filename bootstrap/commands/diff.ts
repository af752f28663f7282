import { environmentPath } from "../config/files.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Repository } from "../edges/git.ts";
import type { LiveServer } from "../edges/hosts/live-files.ts";
import { RekindleError } from "../errors.ts";
import { rolesOfCommit } from "../history/commit-side.ts";
import { type Change, compareSides, type Side } from "../history/compare.ts";
import { momentOf } from "../history/live-at.ts";
import { unrenderSide } from "../history/unrender.ts";
import type { ManifestEntry } from "../release/manifest.ts";
import type { PublicKey } from "../release/signature.ts";
import { byCodePoint } from "../release/tree.ts";
import { releaseLiveAt, releaseSide } from "./release-side.ts";

export interface DiffContext {
  /** As the user named them: `host:<name>`, a release, a time, or else a git revision. */
  before: string;
  after: string;
  /** Only this role; else all. A host needs it. */
  role: string | undefined;
  environment: string;
  repository: Pick<Repository, "resolve" | "files">;
  /** The recovery region's first. Asked for only when a side needs them. */
  catalogs(): Promise<readonly Catalog[]>;
  server(host: string): LiveServer;
}

/** What differs between two states of the configuration. Looks only, and only at what the sides name. */
export async function diff(context: DiffContext): Promise<Change[]> {
  const [first, second] = [await open(context, context.before), await open(context, context.after)];
  // A host is asked for what the other side has, too: what is there is known only then.
  const paths = [...new Set([...first.paths, ...second.paths])].sort(byCodePoint);
  const [before, after] = await Promise.all([first.read(paths), second.read(paths)]);
  refuseUnknownRole(context.role, [before, after]);
  return compareSides(
    before.isLive && !after.isLive ? unrenderSide(before, after) : before,
    after.isLive && !before.isLive ? unrenderSide(after, before) : after,
  );
}

/** A side that knows which paths it has, and reads them. */
interface Opened {
  paths: readonly string[];
  read(paths: readonly string[]): Promise<Side>;
}

const hostPrefix = "host:";
const releaseName = /^[0-9a-f]{12}-[0-9a-f]{12}$/;

async function open(context: DiffContext, name: string): Promise<Opened> {
  if (name.startsWith(hostPrefix)) return openHost(context, name);
  const side = await storedSide(context, name);
  const paths = Object.values(side.roles).flatMap(({ tree }) => tree.map(({ path }) => path));
  return { paths, read: async () => side };
}

/** A release's, a moment's or a commit's side. Where keys are trusted, a release that none of them has signed is refused. */
export async function storedSide(
  context: Pick<DiffContext, "role" | "environment" | "repository" | "catalogs"> & {
    trusted?: readonly PublicKey[];
  },
  name: string,
): Promise<Side> {
  const { role, environment, repository, trusted } = context;
  if (releaseName.test(name)) return releaseSide(name, name, await context.catalogs(), role, trusted);
  if (momentOf(name) !== undefined) {
    const catalogs = await context.catalogs();
    return releaseSide(name, await releaseLiveAt(name, catalogs), catalogs, role, trusted);
  }
  const commit = await repository.resolve(name);
  const roles = rolesOfCommit(await repository.files(commit, ["configs", "cloud-init"]), environment);
  if (roles === undefined)
    throw new RekindleError(
      "bad-input",
      `commit ${commit.slice(0, 12)} has no ${environmentPath(environment)}; name a later one, or another --env`,
    );
  const wanted = Object.entries(roles).filter(([one]) => role === undefined || one === role);
  return { name, isLive: false, roles: Object.fromEntries(wanted) };
}

async function openHost({ role, server }: DiffContext, name: string): Promise<Opened> {
  const host = name.slice(hostPrefix.length);
  if (!/^[A-Za-z0-9][\w.@:-]*$/.test(host))
    throw new RekindleError(
      "bad-input",
      `${JSON.stringify(name)} names no host; write host:<name as ssh knows it>`,
    );
  if (role === undefined)
    throw new RekindleError("bad-input", `${name} needs to know whose files to look at; add --role <role>`);
  const live = server(host);
  const listed: ManifestEntry[] = (await live.manifest())?.roles?.[role]?.files ?? [];
  const templates = new Set(listed.flatMap((one) => (one.kind === "file" && one.template ? [one.path] : [])));
  return {
    paths: listed.map(({ path }) => path),
    async read(paths) {
      if (paths.length === 0)
        throw new RekindleError(
          "bad-input",
          `${name} runs no release with role ${role}, and neither has the other side anything of it; correct --role`,
        );
      const tree = (await live.read(paths)).map((entry) =>
        entry.kind === "file" ? { ...entry, template: templates.has(entry.path) } : entry,
      );
      return { name, isLive: true, roles: { [role]: { tree } } };
    },
  };
}

function refuseUnknownRole(role: string | undefined, sides: readonly Side[]): void {
  if (role === undefined || sides.some((side) => side.roles[role] !== undefined)) return;
  throw new RekindleError(
    "bad-input",
    `neither ${sides.map(({ name }) => name).join(" nor ")} has a role ${JSON.stringify(role)}; correct --role`,
  );
}
