import type { CommitDescription } from "../bootstrap/release/history.ts";

/** What git would say of a commit that tests only name. */
export const aCommit: CommitDescription = {
  author: { name: "Ada", email: "ada@example.com", date: "2026-11-24T09:00:00+01:00" },
  subject: "Serve on port 8080",
};
