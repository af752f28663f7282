/** What the hook runs, and for which folder of the repository. */
export interface PostCommit {
  /** The words that start `rekindle`. */
  program: readonly string[];
  /** The project's folder below the repository's, with a slash at its end; empty when they are the same. */
  prefix: string;
  /** The environment to publish; the project's own when left out. */
  environment?: string;
}

/** By this line a hook is known as ours, whatever version wrote it. */
const mark = "# Made by `rekindle hook install`; `rekindle hook uninstall` takes it away.";

/** Where the hook that was there before waits to be called. */
export const chainedName = "post-commit.before-rekindle";

export function isOurs(script: string): boolean {
  return script.includes(mark);
}

/** A hook that publishes the commit just made. The commit stands, whatever becomes of that. */
export function postCommitScript({ program, prefix, environment }: PostCommit): string {
  const words = [...program, "publish", "--commit", "HEAD", ...(environment ? ["--env", environment] : [])];
  return `#!/bin/sh
${mark}

publish() {
  # A rebase makes many commits, and which of them is live is for a person to say.
  for rebase in rebase-merge rebase-apply; do
    [ ! -d "$(git rev-parse --git-path "$rebase")" ] || return 0
  done
  # A folder of hooks can serve several repositories; this one may be another.
  project=$(git rev-parse --show-toplevel)/${quoted(prefix)}
  [ -f "$project/cdktf.json" ] || return 0
  # Git's variables of this commit would mislead the git of whoever is called.
  for variable in $(git rev-parse --local-env-vars); do unset "$variable"; done
  cd "$project" && ${words.map(quoted).join(" ")} </dev/null
}

before=$(dirname "$0")/${chainedName}
[ ! -x "$before" ] || "$before" "$@"
outcome=$?
publish || echo "rekindle: the commit stands, but is not published; when the cause is mended, run: rekindle publish" >&2
exit "$outcome"
`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
