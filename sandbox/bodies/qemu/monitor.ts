import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";

/** QEMU's own protocol (QMP): what one machine is told, and what it tells. */
export interface Monitor {
  execute<T = unknown>(command: string, parameters?: object): Promise<T>;
  on(event: string, listen: (data: Record<string, unknown>) => void): void;
}

interface Message {
  QMP?: unknown;
  id?: number;
  return?: unknown;
  error?: { desc: string };
  event?: string;
  data?: Record<string, unknown>;
}

/** Resolves when QEMU takes commands; `ended` says that it will not, or not any more. */
export async function openMonitor(socket: Duplex, ended: Promise<unknown>): Promise<Monitor> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners = new Map<string, ((data: Record<string, unknown>) => void)[]>();
  let greet = () => {};
  const greeted = new Promise<void>((resolve) => {
    greet = resolve;
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    for (const { reject } of waiting.values()) reject(new Error("the machine has ended"));
    waiting.clear();
    greet();
  });
  const lines = createInterface({ input: socket });
  // A machine that ends leaves a broken pipe, which readline tells a second time.
  for (const source of [socket, lines]) source.on("error", () => undefined);
  lines.on("line", (line) => {
    const message = JSON.parse(line) as Message;
    if (message.QMP) greet();
    if (message.event) for (const listen of listeners.get(message.event) ?? []) listen(message.data ?? {});
    if (message.id === undefined) return;
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) asked?.reject(new Error(message.error.desc));
    else asked?.resolve(message.return);
  });
  let count = 0;
  const monitor: Monitor = {
    execute: <T>(command: string, parameters: object = {}) =>
      new Promise<T>((resolve, reject) => {
        if (isOver) return reject(new Error("the machine has ended"));
        count += 1;
        waiting.set(count, { resolve: (value) => resolve(value as T), reject });
        socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id: count })}\n`);
      }),
    on: (event, listen) => void listeners.set(event, [...(listeners.get(event) ?? []), listen]),
  };
  await greeted;
  await monitor.execute("qmp_capabilities");
  return monitor;
}
