import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { runningSandbox } from "../sandbox/gateway.ts";
import { dumpField, seen } from "./dumping.ts";

const sandbox = runningSandbox();
const part = 5 * 2 ** 20;
/** Of an odd size, so that parts begin in the middle of one. */
const piece = randomBytes(2 * 2 ** 20 + 7);

/** So many bytes; `at` is called when the bytes of that part begin. */
function stream(bytes: number, at: { part: number; act(): Promise<unknown> }) {
  const state = { stopped: false };
  const stop = () => {
    state.stopped = true;
  };
  const source = async function* () {
    let acted = false;
    for (let sent = 0; sent < bytes && !state.stopped; sent += piece.length) {
      if (!acted && sent >= (at.part - 1) * part) {
        acted = true;
        await at.act();
      }
      yield piece.subarray(0, Math.min(piece.length, bytes - sent));
    }
  };
  return { state, stream: { bytes: source(), stop } };
}

it("an upload whose part 37 fails leaves nothing, and stops its source; then it comes back as it was sent", async () => {
  const { places, openUploads, objects } = await dumpField(sandbox());
  const [{ streams }, other] = places as [(typeof places)[0], (typeof places)[0]];
  const failing = stream(37 * part, {
    part: 37,
    act: async () => {
      await seen(sandbox(), "UploadPart", 36);
      await sandbox().addFault({ service: "s3", action: "UploadPart", kind: "500" });
    },
  });
  await expect(streams.send("dumps/a/b", failing.stream, 0)).rejects.toThrow(/^part 37 of s3:/);
  expect(failing.state.stopped).toBe(true);
  expect(await openUploads()).toEqual([]);
  expect(await objects()).toEqual([]);

  await sandbox().clearFaults();
  const whole = stream(4 * part + 5, { part: 1, act: async () => undefined });
  const { stored, sha256 } = await streams.send("dumps/a/b", whole.stream, 0);
  const copy = await other.streams.copy(stored);
  for (const [store, one] of [
    [streams, stored],
    [other.streams, copy],
  ] as const) {
    const { createHash } = await import("node:crypto");
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of store.read(one)) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    expect([hash.digest("hex"), bytes]).toEqual([sha256, 4 * part + 5]);
  }
});

it("an empty stream is an object of no bytes", async () => {
  const { places } = await dumpField(sandbox());
  const [{ streams }, other] = places as [(typeof places)[0], (typeof places)[0]];
  const { stored } = await streams.send(
    "dumps/empty",
    stream(0, { part: 1, act: async () => undefined }).stream,
    0,
  );
  expect(stored.bytes).toBe(0);
  for await (const chunk of streams.read(stored)) expect(chunk).toBeUndefined();
  expect((await other.streams.copy(stored)).bytes).toBe(0);
});

it("a bucket that does not encrypt with a key of KMS gets nothing", async () => {
  const { places } = await dumpField(sandbox());
  const { DeleteBucketEncryptionCommand } = await import("@aws-sdk/client-s3");
  const { clients } = await import("../sandbox/clients.ts");
  const { streams } = places[0];
  await streams.inspect();
  const { s3 } = clients(sandbox().endpoint, streams.region);
  await s3.send(new DeleteBucketEncryptionCommand({ Bucket: streams.bucket }));
  await expect(streams.inspect()).rejects.toThrow("encrypts by itself with none");
});
