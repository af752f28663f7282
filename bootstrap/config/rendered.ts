import { renderBakeUserData } from "../../cloud-init/bake.ts";
import { renderTemplate } from "../../cloud-init/render.ts";
import { encodeUserData, renderUserData, userDataLimit } from "../../cloud-init/user-data.ts";
import type { Fault } from "../errors.ts";
import { recipeDigest } from "../image/recipe.ts";
import { roleRecipe } from "../release/sources.ts";
import { type ConfigFiles, rolePath, templatePath, textOf } from "./files.ts";
import { siteBucket } from "./names.ts";
import type { Site, Topology } from "./schema.ts";
import { isFleet } from "./servers.ts";
import { userDataNames, userDataVariables } from "./user-data.ts";

/** One part of user-data as a server or a builder would get it. */
export interface Rendered {
  /** The file in which a fault of the text is mended. */
  file: string;
  /** True when the text has the file's own lines, so that a line of one is the same line of the other. */
  hasLinesOfFile: boolean;
  what: string;
  text: string;
}

export type Rendering = { kind: "rendered"; rendered: Rendered } | { kind: "faulty"; fault: Fault };

/** User-data of one server of each role in both sites, and of each role's builder, with pins as long as real ones. */
export function renderEverything(topology: Topology, files: ConfigFiles): Rendering[] {
  return Object.keys(topology.environment.roles).flatMap((role) => [
    ...(["primary", "recovery"] as const).flatMap((site) => renderServer(topology, files, role, site)),
    ...renderBuilder(topology, files, role),
  ]);
}

function renderServer(topology: Topology, files: ConfigFiles, role: string, site: Site): Rendering[] {
  const { name, account, regions } = topology.environment;
  const region = regions[site];
  const release = `${"0".repeat(12)}-${"0".repeat(12)}`;
  const pins = {
    site,
    region,
    release: { release, commit: "0".repeat(40) },
    manifest: {
      bucket: siteBucket(name, account, region),
      key: `releases/${release}/manifest.json`,
      versionId: "0".repeat(32),
      sha256: "0".repeat(64),
    },
  };
  const server = isFleet(topology.roles[role]!) ? role : `${role}-0`;
  const variables = userDataVariables(topology, pins, { role, server });
  const what = `user-data of role ${role} in ${name}, ${site}`;
  const templates = userDataNames(topology.roles[role]!, role);
  const parts = templates.map((template) => {
    const file = templatePath(template);
    // Not whose: a template's fault is one fault, however many servers share it.
    return attempt({ file, hasLinesOfFile: true, what: "this user-data" }, () =>
      renderTemplate(textOf(files, file), variables),
    );
  });
  if (parts.some(({ kind }) => kind === "faulty")) return parts;
  const contents = templates.map((template) => ({
    name: template,
    content: textOf(files, templatePath(template)),
  }));
  return [...parts, ...tooLarge(templatePath(templates[0]!), what, renderUserData(contents, variables))];
}

/** EC2 counts what it is given, which is compressed when that helps. */
function tooLarge(file: string, what: string, userData: string): Rendering[] {
  const bytes = encodeUserData(userData).byteLength;
  if (bytes <= userDataLimit) return [];
  const message = `${what} has ${bytes} bytes, compressed, over EC2's limit of ${userDataLimit}`;
  const move = "move files from user-data into the role's configuration, or into packages";
  return [{ kind: "faulty", fault: { place: { file, line: 1, column: 1 }, message, move } }];
}

function renderBuilder(topology: Topology, files: ConfigFiles, role: string): Rendering[] {
  if ("taken" in topology.roles[role]!.image) return [];
  const what = `user-data of the builder of role ${role}`;
  const rendering = attempt({ file: rolePath(role), hasLinesOfFile: false, what }, () => {
    const recipe = roleRecipe(topology, role, files)!;
    return renderBakeUserData({ ...recipe, recipeDigest: recipeDigest(recipe) });
  });
  if (rendering.kind === "faulty") return [rendering];
  return [rendering, ...tooLarge(rolePath(role), what, rendering.rendered.text)];
}

function attempt(about: Omit<Rendered, "text">, render: () => string): Rendering {
  try {
    return { kind: "rendered", rendered: { ...about, text: render() } };
  } catch (error) {
    const { line = 1, message } = error as { line?: number; message: string };
    const place = { file: about.file, line, column: 1 };
    return {
      kind: "faulty",
      fault: { place, message: `${about.what} can't be rendered: ${message}`, move: "correct what it names" },
    };
  }
}
