import { committedSources, versioned } from "../commands/committed-sources.ts";
import { publish } from "../commands/publish.ts";
import { gitRepository } from "../edges/git.ts";
import { gitHistory } from "../edges/git-bundle.ts";
import { answer, type Options, say } from "./answer.ts";
import { environmentName, projectRoot, refuseDirty } from "./project.ts";
import { running } from "./shell.ts";
import { sandboxTrust, signerOfShell } from "./signing.ts";

export async function publishCommand(options: Options & { env?: string; commit?: string }): Promise<void> {
  const run = running();
  const repository = gitRepository(projectRoot());
  // git reads the commit while the AWS SDK loads, which takes as long.
  const loading = import("./cloud.ts");
  const commit = await repository.resolve(options.commit ?? "HEAD");
  const [dirty, committed] = await Promise.all([
    options.commit === undefined ? repository.dirty(versioned) : [],
    committedSources(repository, commit, environmentName(options.env), (await sandboxTrust())[0]),
  ]);
  refuseDirty(dirty);
  const { cloudOfShell } = await loading;
  const { account, primary, recovery } = cloudOfShell(committed.topology, run);
  const published = await publish({
    ...committed,
    signer: await signerOfShell(committed.topology, run),
    history: gitHistory(projectRoot()),
    repository,
    account,
    catalogs: [recovery.catalog, primary.catalog],
    clock: run.clock,
    print: say(options),
  });
  answer(options, published, [
    `release ${published.release} of commit ${published.commit.slice(0, 12)}: ${published.uploaded} objects uploaded, pointer ${published.pointer}`,
  ]);
}
