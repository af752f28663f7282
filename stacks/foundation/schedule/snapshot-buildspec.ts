/**
 * What CodeBuild runs: the repository comes out of the bundles that publishing puts into the bucket, at the commit that
 * is live, and takes the point with its own Rekindle. It needs npm's registry, and neither git host nor operator.
 * Bundles apply in the order of their names; one that another clone has overtaken may not, and what it lacks is told by
 * the checkout. The build begins in the folder with the bundles.
 */
export const snapshotBuildspec = JSON.stringify({
  version: "0.2",
  phases: {
    install: { "runtime-versions": { nodejs: 20 } },
    build: {
      commands: [
        "set -e",
        'aws s3 cp --only-show-errors "s3://$REKINDLE_BUCKET/current.json" current.json',
        "commit=$(jq -er .commit current.json)",
        "git init --quiet project",
        'for bundle in bundles/*.bundle; do git -C project fetch --quiet --no-tags "../$bundle" "+refs/heads/*:refs/published/$(basename "$bundle")/*" || echo "passed over $bundle"; done',
        'git -C project checkout --quiet --detach "$commit"',
        "cd project",
        "npm ci --no-audit --no-fund",
        'npx rekindle snapshot --env "$REKINDLE_ENV"',
      ],
    },
  },
});
