import { type CloneContext, cloneHistory } from "../commands/clone.ts";
import { s3Store } from "../edges/aws/objects.ts";
import { restoreInto } from "../edges/git-restore.ts";
import { RekindleError } from "../errors.ts";
import { awsAccessOfShell, running } from "./shell.ts";

/** Needs nothing but credentials: on that day there is no project, and so no configuration to read. */
export async function cloneCommand(
  bucket: string,
  folder: string = bucket,
  options: { region?: string; json?: boolean },
): Promise<void> {
  const run = running();
  const print: CloneContext["print"] = (line) => console.error(line);
  const store = s3Store(awsAccessOfShell(run), options.region ?? regionInName(bucket), bucket);
  const cloned = await cloneHistory({ ...run, store, folder, restoreInto, print });
  if (options.json) console.log(JSON.stringify(cloned, undefined, 2));
  else
    console.log(
      `${cloned.folder}: branch ${cloned.branch} at ${cloned.commit}, from ${cloned.bundles} bundles; git fsck is content`,
    );
}

/** Rekindle's buckets end with account and region. */
function regionInName(bucket: string): string {
  const region = /-\d{12}-([a-z]{2}(?:-[a-z]+)+-\d)$/.exec(bucket)?.[1];
  if (region !== undefined) return region;
  throw new RekindleError(
    "bad-input",
    `bucket ${bucket} does not end with an account and a region; name its region with --region`,
  );
}
