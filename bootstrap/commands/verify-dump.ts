import type { Dump } from "../dump/dump.ts";
import type { StreamStore } from "../edges/aws/streams.ts";
import type { RestoreTarget } from "../edges/databases/restoring.ts";
import type { ScratchServer } from "../edges/databases/scratch.ts";
import { type Restored, restoreDump } from "./restore-dump.ts";

export interface VerifyDumpContext {
  dump: Dump;
  streams: StreamStore;
  startScratch(): Promise<ScratchServer>;
  connect(server: ScratchServer): RestoreTarget;
  jobs: number;
  print(line: string): void;
}

/** Restores a dump into a server that is made for it, compares what came back, and removes the server. */
export async function verifyDump({
  dump,
  startScratch,
  connect,
  ...context
}: VerifyDumpContext): Promise<Restored> {
  const server = await startScratch();
  try {
    return await restoreDump({
      ...context,
      dump,
      target: connect(server),
      replace: false,
      withoutGlobals: false,
      keep: async () => Promise.reject(new Error("a new server has nothing to keep")),
    });
  } finally {
    await server.remove();
  }
}
