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

/**
 * The user-data of a builder: installs, checks what it installed, cleans itself so that servers of the image start
 * afresh, says on its console how it went, and powers itself off in any case.
 */
export function renderBakeUserData(recipe: BakeRecipe): string {
  const files = [
    ...recipe.files,
    { path: "/usr/local/sbin/rekindle-boot", mode: "0755", content: recipe.bootScript },
    { path: "/run/rekindle-bake-check", mode: "0755", content: Buffer.from(checkScript(recipe)) },
  ];
  return [
    "#cloud-config",
    "package_update: true",
    `packages: ${JSON.stringify(recipe.packages)}`,
    "write_files:",
    ...files.map(({ path, mode, content }) =>
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
    "runcmd:",
    `  - [sh, /run/rekindle-bake-check, ${JSON.stringify(successMark(recipe.recipeDigest))}]`,
    "power_state:",
    "  mode: poweroff",
    "  delay: now",
    "  timeout: 60",
    "  condition: true",
    "",
  ].join("\n");
}

/** Debian's and Red Hat's package managers are asked, each where it is. */
function checkScript({ packages, files }: BakeRecipe): string {
  return `#!/bin/sh
# Says on the console whether the image is as its recipe wants it. The mark to print is the argument.
say() {
  echo "$1"
  for console in /dev/console /dev/ttyS0; do
    { echo "$1" > "$console"; } 2>/dev/null || true
  done
}

fail() {
  say "rekindle-bake-failed: $1"
  exit 1
}

for package in ${packages.join(" ")}; do
  if command -v rpm >/dev/null; then
    rpm -q "$package" >/dev/null || fail "package $package is not installed"
  else
    dpkg -s "$package" >/dev/null 2>&1 || fail "package $package is not installed"
  fi
done
for file in /usr/local/sbin/rekindle-boot ${files.map(({ path }) => path).join(" ")}; do
  [ -s "$file" ] || fail "$file is missing or empty"
done
cloud-init clean --logs || fail "cloud-init can't be cleaned"
: > /etc/machine-id || fail "the machine id can't be cleared"
sync
say "$1"
`;
}
