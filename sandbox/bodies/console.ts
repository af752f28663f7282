import { open } from "node:fs/promises";
import type { Answer } from "../answer.ts";

/** As much as EC2 keeps. */
export const keptConsoleBytes = 64 * 1024;

/** The answer to GetConsoleOutput: the end of what the machine itself said. */
export async function consoleAnswer(instanceId: string, file: string): Promise<Answer> {
  const { text, changed } = await endOf(file);
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>rekindle-gateway</requestId><instanceId>${instanceId}</instanceId><timestamp>${changed.toISOString()}</timestamp><output>${text.toString("base64")}</output></GetConsoleOutputResponse>`;
  return { status: 200, headers: ["Content-Type", "text/xml;charset=UTF-8"], body: Buffer.from(xml) };
}

/** What is there before the machine has said anything is empty, as it is in EC2. */
async function endOf(path: string): Promise<{ text: Buffer; changed: Date }> {
  const file = await open(path, "a+");
  try {
    const { size, mtime } = await file.stat();
    const length = Math.min(size, keptConsoleBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { text: buffer.subarray(0, bytesRead), changed: mtime };
  } finally {
    await file.close();
  }
}
