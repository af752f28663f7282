import { stat } from "node:fs/promises";
import { HostFailure } from "../../collect/failure.ts";
import { gatherScript } from "./gather-script.ts";
import { gatherBy, type Patience, type Source } from "./source.ts";

/** A folder of this machine that is laid out as a host's root; `/` is this machine itself. */
export function folderSource(host: string, folder: string, patience: Patience): Source {
  return {
    host,
    isLive: true,
    async gather(selected, consume) {
      const found = await stat(folder).catch(() => undefined);
      if (!found?.isDirectory())
        throw new HostFailure("failed", `there is no folder ${folder}; correct its path in role.yaml`);
      await gatherBy("sh", ["-s"], gatherScript(selected, folder), patience, consume);
    },
  };
}
