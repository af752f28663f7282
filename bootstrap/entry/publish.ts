import { publish } from "../commands/publish.ts";
import { gitRepository } from "../edges/git.ts";
import { gitHistory } from "../edges/git-bundle.ts";
import { answer, type Options, say } from "./answer.ts";
import { projectRoot } from "./project.ts";
import { running } from "./shell.ts";
import { committedForShell, signerOfShell } from "./signing.ts";

export async function publishCommand(options: Options & { commit?: string }): Promise<void> {
  const run = running();
  // git reads the commit while the AWS SDK loads, which takes as long.
  const [project, { cloudOfShell }] = await Promise.all([committedForShell(options), import("./cloud.ts")]);
  const { account, primary, recovery } = cloudOfShell(project.topology, run);
  const published = await publish({
    ...project,
    signer: await signerOfShell(project.topology, run),
    history: gitHistory(projectRoot()),
    repository: gitRepository(projectRoot()),
    account,
    catalogs: [recovery.catalog, primary.catalog],
    clock: run.clock,
    print: say(options),
  });
  answer(options, published, [
    `release ${published.release} of commit ${published.commit.slice(0, 12)}: ${published.uploaded} objects uploaded, pointer ${published.pointer}`,
  ]);
}
