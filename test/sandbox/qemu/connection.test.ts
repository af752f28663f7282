import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { type Bare, Connection } from "../../../sandbox/bodies/qemu/network/connection.ts";

afterEach(() => vi.useRealTimers());

/** Two ends of a connection, and what lies between them: `carries` says which segments arrive. */
function pair(carries: (segment: Bare, from: "client" | "server") => boolean = () => true) {
  const known = { client: true, server: true };
  const deliver = (from: "client" | "server", segment: Bare) => {
    if (!carries(segment, from)) return;
    setImmediate(() => {
      if (from === "server") client.receive(segment);
      else if (accepted) server.receive(segment);
      else {
        accepted = true;
        server.accept(segment);
      }
    });
  };
  let accepted = false;
  const client: Connection = new Connection(
    "10.0.1.10",
    (segment) => deliver("client", segment),
    () => {
      known.client = false;
    },
  );
  const server: Connection = new Connection(
    "10.0.1.11",
    (segment) => deliver("server", segment),
    () => {
      known.server = false;
    },
  );
  client.ask();
  return { client, server, known };
}

/** Everything that comes; unlike a loop over the stream, it leaves the other direction open. */
async function allOf(connection: Connection): Promise<Buffer> {
  const chunks: Buffer[] = [];
  connection.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(connection, "end");
  return Buffer.concat(chunks);
}

test("what one end writes arrives whole at the other, both ways, and both forget it in the end", async () => {
  const { client, server, known } = pair();
  const [there, back] = [randomBytes(1_000_000), randomBytes(700_001)];
  client.end(there);
  server.end(back);
  const [fromClient, fromServer] = await Promise.all([allOf(server), allOf(client)]);
  expect(fromClient.equals(there)).toBe(true);
  expect(fromServer.equals(back)).toBe(true);
  await vi.waitFor(() => expect(known).toEqual({ client: false, server: false }));
});

test("an end that reads nothing holds the other one up, and gets the rest when it reads", async () => {
  const { client, server } = pair();
  const sent = randomBytes(2_000_000);
  let taken = false;
  client.write(sent, () => {
    taken = true;
  });
  client.end();
  await new Promise((wake) => setTimeout(wake, 200));
  expect(taken).toBe(false);
  expect(server.readableLength).toBeLessThan(100_000);
  expect((await allOf(server)).equals(sent)).toBe(true);
});

test("one end may have said everything and still listen", async () => {
  const { client, server } = pair();
  client.end("question");
  expect((await allOf(server)).toString()).toBe("question");
  server.end("answer");
  expect((await allOf(client)).toString()).toBe("answer");
});

test("segments that are dropped are sent again", async () => {
  let count = 0;
  const { client, server } = pair(({ data }) => {
    count += data.length > 0 ? 1 : 0;
    return data.length === 0 || count !== 3;
  });
  const sent = randomBytes(200_000);
  client.end(sent);
  expect((await allOf(server)).equals(sent)).toBe(true);
});

test("an end that is destroyed resets the other", async () => {
  const { client, server } = pair();
  await once(client, "connect");
  client.destroy();
  const [error] = await once(server, "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
});

test("a machine that never answers fails the connection after a while", async () => {
  vi.useFakeTimers();
  const { client } = pair(() => false);
  const failed = once(client, "error");
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await failed)[0]).toMatchObject({ code: "ETIMEDOUT" });
});
