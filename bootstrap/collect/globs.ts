/**
 * Globs of paths on a server. `*` and `?` stop at a slash, `**` does not; `[ab]` and `{a,b}` are as in a shell. A path
 * that matches is meant with all that is below it, as tar and rsync mean it.
 */

/** Which paths are meant; given as regular expressions too, in what JavaScript and GNU find read alike. */
export interface Selection {
  /** Of a path on the server, such as `/etc/nginx/nginx.conf`. */
  has(path: string): boolean;
  include: string;
  exclude: string;
  /** The folders or files that a search must begin at, none of them within another. */
  points: string[];
}

export function selection(paths: readonly string[], exclude: readonly string[]): Selection {
  const points = outermost(paths.map(startingPoint));
  // What the kernel makes up is no configuration, unless someone names a part of it.
  const made = points.includes("/") ? ["/proc", "/sys", "/dev", "/run"] : [];
  const expressions = { include: anyOf(paths), exclude: anyOf([...exclude, ...made]) };
  const isIncluded = whole(expressions.include);
  const isExcluded = whole(expressions.exclude);
  return { has: (path) => isIncluded(path) && !isExcluded(path), ...expressions, points };
}

/** Whether any of the globs means a path. */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  return whole(anyOf(globs));
}

/** A glob that means nothing but one path and what is below it. */
export function literally(path: string): string {
  return path.replace(/[*?[{\\]/g, "\\$&");
}

function whole(expression: string): (path: string) => boolean {
  const compiled = new RegExp(`^(?:${expression})$`, "s");
  return (path) => compiled.test(path);
}

function anyOf(globs: readonly string[]): string {
  // A path is never empty, so this one matches none.
  return globs.length === 0 ? "(^$)" : globs.map((glob) => `(${expressionOf(glob)}(/.*)?)`).join("|");
}

/** A glob in the part of POSIX's extended regular expressions that JavaScript shares. */
function expressionOf(glob: string): string {
  // `/**` at the end means the folder too, which is nothing else than naming it; `/` is what every path is below.
  const pattern = glob.replace(/(\/\*\*)+$/, "").replace(/^\/$/, "");
  const token = /\*\*\/|\*\*|\*|\?|\[[!^]?[^\]/]+\]|\{[^{}]*\}|\\.|./gs;
  return (pattern.match(token) ?? []).map(tokenExpression).join("");
}

function tokenExpression(token: string): string {
  if (token === "**/") return "(.*/)?";
  if (token === "**") return ".*";
  if (token === "*") return "[^/]*";
  if (token === "?") return "[^/]";
  if (token.length > 1 && token.startsWith("[")) return token.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
  if (token.length > 1 && token.startsWith("{"))
    return `(${token.slice(1, -1).split(",").map(expressionOf).join("|")})`;
  return escaped(token.length > 1 ? token.slice(1) : token);
}

function escaped(character: string): string {
  return /[.^$*+?()[\]{}|\\]/.test(character) ? `\\${character}` : character;
}

/** The folder or file that nothing before it in the glob leaves open. */
function startingPoint(glob: string): string {
  const open = glob.search(/[*?[{\\]/);
  if (open === -1) return glob;
  const end = glob.lastIndexOf("/", open);
  return end === 0 ? "/" : glob.slice(0, end);
}

function outermost(points: readonly string[]): string[] {
  const isWithin = (inner: string, outer: string) =>
    inner !== outer && (outer === "/" || inner.startsWith(`${outer}/`));
  return [...new Set(points)].filter((point) => !points.some((outer) => isWithin(point, outer))).sort();
}
