import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { run } from "../../bootstrap/edges/process.ts";
import { healthScript, nameOfCheck } from "../../bootstrap/rehearsal/look.ts";
import type { HealthCheck } from "../../bootstrap/release/manifest.ts";

const timeoutSeconds = 1;

async function look(health: HealthCheck): Promise<{ code: unknown; answer: string }> {
  const { ending, stdout } = await run("sh", ["-c", healthScript(health)]);
  return { code: ending.kind === "exited" ? ending.code : ending, answer: stdout.trim() };
}

async function serving(status: number): Promise<{ port: number; close(): void }> {
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

describe("a look at a health check", () => {
  it("passes with the page's status", async () => {
    const { port, close } = await serving(204);
    expect(await look({ kind: "http", port, path: "/healthz", timeoutSeconds })).toEqual({
      code: 0,
      answer: "204",
    });
    expect(await look({ kind: "tcp", port, timeoutSeconds })).toEqual({ code: 0, answer: "open" });
    close();
  });

  it("fails with what was answered instead", async () => {
    const { port, close } = await serving(503);
    const said = await look({ kind: "http", port, path: "/healthz", timeoutSeconds });
    expect(said.code).not.toBe(0);
    expect(said.answer).toMatch(/503/);
    close();
    await vi.waitFor(async () => {
      const refused = await look({ kind: "tcp", port, timeoutSeconds });
      expect(refused).toEqual({ code: 1, answer: expect.stringMatching(/refused/) });
    });
  });

  it("runs a command as it is written", async () => {
    const health = { kind: "command", command: "echo \"it's\" 'down'; exit 3", timeoutSeconds } as const;
    expect(await look(health)).toEqual({ code: 3, answer: "it's down" });
    expect(nameOfCheck(health)).toBe(health.command);
  });
});
