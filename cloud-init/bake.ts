import { gzipSync } from "node:zlib";

/** What goes into a golden image. Paths are absolute, modes octal such as `0755`. */
export interface BakeRecipe {
  packages: readonly string[];
  files: readonly { path: string; mode: string; content: Uint8Array }[];
  bootScript: Uint8Array;
  /** 64 hex digits. */
  recipeDigest: string;
}

/** The line on the builder's console that says that everything is as the recipe wants it. */
export function successMark(recipeDigest: string): string {
  return `rekindle-bake-ok ${recipeDigest}`;
}

const bootPath = "/usr/local/sbin/rekindle-boot";
const finishPath = "/run/rekindle-bake-finish";

/**
 * The user-data of a builder: installs, checks what it installed, cleans itself so that servers of the image start
 * afresh, says on its console how it went, and powers itself off in any case.
 */
export function renderBakeUserData(recipe: BakeRecipe): string {
  const installed = [
    ...recipe.files,
    { path: bootPath, mode: "0755", content: withoutComments(recipe.bootScript) },
  ];
  const finish = { path: finishPath, mode: "0755", content: Buffer.from(finishScript(recipe, installed)) };
  // cloud-init asks for the condition when it has ended itself: it would write into a state that is cleaned earlier,
  // and servers of the image would trip over the remains. Whatever the condition finds, the power goes off.
  const condition = [
    "sh",
    "-c",
    `sh ${finishPath} "$1"; true`,
    "rekindle-bake",
    successMark(recipe.recipeDigest),
  ];
  return [
    "#cloud-config",
    "package_update: true",
    `packages: ${JSON.stringify(recipe.packages)}`,
    "write_files:",
    ...[...installed, finish].map(({ path, mode, content }) =>
      [
        `  - path: ${JSON.stringify(path)}`,
        `    permissions: ${JSON.stringify(mode)}`,
        "    owner: root:root",
        // Packages come later, and one of them may own the folder: a file that is written early could be replaced.
        "    defer: true",
        "    encoding: gz+b64",
        `    content: ${gzipSync(content, { level: 9 }).toString("base64")}`,
      ].join("\n"),
    ),
    "power_state:",
    "  mode: poweroff",
    "  delay: now",
    "  timeout: 60",
    `  condition: ${JSON.stringify(condition)}`,
    "",
  ].join("\n");
}

/** A server reads no comments, and EC2 takes little user-data. */
function withoutComments(script: Uint8Array): Buffer {
  const [first, ...lines] = Buffer.from(script).toString().split("\n");
  return Buffer.from([first, ...lines.filter((line) => !/^\s*#/.test(line))].join("\n"));
}

/** Asks the distribution's own package database: Debian's where there is one, Red Hat's elsewhere. */
function finishScript({ packages }: BakeRecipe, installed: BakeRecipe["files"]): string {
  return `#!/bin/sh
# Says on the console whether the image is as its recipe wants it. The mark to print is the argument.
set -u

# Everything is below this folder; tests name another one.
root=\${REKINDLE_ROOT:-}

say() {
  echo "$1"
  for console in "$root/dev/console" "$root/dev/ttyS0"; do
    { echo "$1" >"$console"; } 2>/dev/null || true
  done
}

fail() {
  say "rekindle-bake-failed: $1"
  exit 1
}

is_installed() {
  if command -v dpkg-query >/dev/null; then
    [ "$(dpkg-query -W -f='\${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
  else
    rpm -q "$1" >/dev/null 2>&1
  fi
}

for package in ${packages.join(" ")}; do
  is_installed "$package" || fail "package $package is not installed"
done
for file in ${installed.map(({ path, mode }) => `${mode}:${path}`).join(" ")}; do
  path=$root\${file#*:} mode=\${file%%:*}
  [ -f "$path" ] || fail "\${file#*:} is missing"
  [ "0$(stat -c %a "$path")" = "$mode" ] || fail "\${file#*:} has mode $(stat -c %a "$path") and not $mode"
done
cloud-init clean --logs || fail "cloud-init can't be cleaned"
: >"$root/etc/machine-id" || fail "the machine id can't be cleared"
sync
say "$1"
`;
}
