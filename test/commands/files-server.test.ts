import { expect, it } from "vitest";
import { findFilesServer } from "../../bootstrap/commands/files-server.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import { aTopology } from "../builders.ts";

const db0 = { instance: "i-1", region: "eu-central-1", role: "db", server: "db-0" };
const answering = async () => [db0];
const lost = () => Promise.reject(new RekindleError("unreachable", "eu-west-1 does not answer"));
const target = { kind: "ssm", role: "db", name: "db-0", instance: "i-1", region: "eu-central-1" };

const find = (name: string, regions: Parameters<typeof findFilesServer>[3]) =>
  findFilesServer(aTopology(), "db", name, regions);
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it was found"),
    (error: RekindleError) => [error.kind, error.message],
  );

it("a server is found in the region that it runs in", async () => {
  expect(await find("db-0", [answering, async () => []])).toEqual(target);
});

it("a server's name may mean another one in a region that does not answer: the way on is named", async () => {
  expect(await refusal(find("db-0", [answering, lost]))).toEqual([
    "unreachable",
    "eu-west-1 does not answer; if db-0 runs in the other region, name that one with --region",
  ]);
});

it("a server of the one region that is asked is found while another region is lost", async () => {
  expect(await find("db-0", [answering])).toEqual(target);
});

it("an instance is found whatever another region says, for it is in one only", async () => {
  expect(await find("i-1", [answering, lost])).toEqual(target);
});

it("a region that does not answer is never one without servers", async () => {
  expect(await refusal(find("db-0", [lost]))).toEqual(["unreachable", "eu-west-1 does not answer"]);
  expect((await refusal(find("i-1", [async () => [], lost])))[0]).toBe("unreachable");
});

it("a name that is known twice, or not at all, is refused with those that there are", async () => {
  const other = async () => [{ ...db0, instance: "i-2", region: "eu-west-1" }];
  expect((await refusal(find("db-0", [answering, other])))[1]).toContain(
    "db-0 runs more than once; name its instance: db-0 (i-1 in eu-central-1), db-0 (i-2 in eu-west-1)",
  );
  expect((await refusal(find("db-7", [answering])))[1]).toContain('no server "db-7" of role db is known');
  expect((await refusal(find("ssh:-oProxyCommand=x", [answering])))[0]).toBe("bad-input");
});
