import type { Stage as RealStage } from "../../sandbox/stage/stage.ts";

/** What `rehearse` boots a server on, as the rest of Rekindle sees it. */
export type { Performance, StagedServer, StageOptions } from "../../sandbox/stage/stage.ts";
export { Stage as RealStage } from "../../sandbox/stage/stage.ts";

/** What is done on it. */
export type Stage = Pick<RealStage, keyof RealStage>;
