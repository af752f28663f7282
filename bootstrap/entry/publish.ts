import { readFileSync } from "node:fs";
import { join } from "node:path";
import { publish } from "../commands/publish.ts";
import { gitRepository } from "../edges/git.ts";
import { gitHistory } from "../edges/git-bundle.ts";
import { readPackedTrees, writePackedTrees } from "../edges/packed-trees.ts";
import { sha256 } from "../release/digest.ts";
import { packedTrees } from "../release/packed-trees.ts";
import { answer, type Options, say } from "./answer.ts";
import { environmentName, programFile, projectRoot, stateFolder } from "./project.ts";
import { running } from "./shell.ts";
import { committedForShell, signerOfShell } from "./signing.ts";

export async function publishCommand(options: Options & { env?: string; commit?: string }): Promise<void> {
  const run = running();
  const record = join(stateFolder(), "packed", `${environmentName(options.env)}.json`);
  const program = sha256(readFileSync(programFile("rekindle.js")));
  const packed = await readPackedTrees(record, program);
  // git reads the commit while the AWS SDK loads, which takes as long.
  const [project, { cloudOfShell }] = await Promise.all([
    committedForShell(options, packed),
    import("./cloud.ts"),
  ]);
  const { account, catalogs } = cloudOfShell(project.topology, run);
  const published = await publish({
    ...project,
    signer: await signerOfShell(project.topology, run),
    history: gitHistory(projectRoot()),
    repository: gitRepository(projectRoot()),
    account,
    catalogs,
    clock: run.clock,
    print: say(options),
    remember: (release) => writePackedTrees(record, packedTrees(program, release)),
  });
  answer(options, published, [
    `release ${published.release} of commit ${published.commit.slice(0, 12)}: ${published.uploaded} objects uploaded, pointer ${published.pointer}`,
  ]);
}
