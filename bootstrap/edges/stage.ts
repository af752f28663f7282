/** What `rehearse` boots a server on, as the rest of Rekindle sees it. */
export type { Performance, StagedServer } from "../../sandbox/stage/stage.ts";
export { Stage } from "../../sandbox/stage/stage.ts";
