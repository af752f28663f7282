import type { Duplex } from "node:stream";

/** How much may wait for a machine that takes no frames, as one does that is paused or has not booted. */
const heldBytes = 4 * 1024 * 1024;

/** Frames on QEMU's socket: each one after its length. Gives what sends one. */
export function carryFrames(socket: Duplex, receive: (frame: Buffer) => void): (frame: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32BE(0);
      if (rest.length < end) break;
      receive(rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  });
  socket.on("error", () => undefined);
  return (frame) => {
    if (socket.destroyed || socket.writableLength > heldBytes) return;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    socket.write(Buffer.concat([length, frame]));
  };
}
