import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { flags, mtu, type Segment } from "./packets.ts";

/** What a segment has without its ports. */
export type Bare = Omit<Segment, "fromPort" | "toPort">;

/** Ours, which a machine may fill before it has to wait. */
const windowBytes = 0xffff;
const largestSegment = mtu - 40;
/** Written by us and not yet acknowledged: whoever writes waits when it is more. */
const heldBytes = 256 * 1024;
const firstRetryMs = 1_000;
const tries = 6;

/**
 * One end of a TCP connection to a machine (RFC 9293), as a stream. What lies between is a socket of this computer, which
 * loses nothing and keeps the order; so what does come out of order is asked for again, and there is no congestion.
 */
export class Connection extends Duplex {
  /** As http.Server's users know it from sockets. */
  readonly remoteAddress: string;
  readonly #send: (segment: Bare) => void;
  readonly #forget: () => void;
  #state: "asking" | "asked" | "open" = "asking";
  /** The first number that the machine has not acknowledged, and the first that was not sent. */
  #unacknowledged = randomBytes(4).readUInt32BE(0);
  #next = this.#unacknowledged;
  /** What begins at `#unacknowledged`, sent or not. */
  #outgoing: Buffer = Buffer.alloc(0);
  #theirWindow = 0;
  #theirLargest = 536;
  #expected = 0;
  #told = windowBytes;
  #ending = false;
  #endSent = false;
  #endAcknowledged = false;
  #theirEnd = false;
  #waiting: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retries = 0;

  constructor(remoteAddress: string, send: (segment: Bare) => void, forget: () => void) {
    super({ allowHalfOpen: true });
    this.remoteAddress = remoteAddress;
    this.#send = send;
    this.#forget = forget;
  }

  /** Asks the machine for a connection; `connect` or `error` tells how it answers. */
  ask(): void {
    this.#emit(flags.syn);
    this.#next = plus(this.#unacknowledged, 1);
    this.#expectAnswer();
  }

  /** Takes a connection that the machine asks for. */
  accept({ sequence, window, largest }: Bare): void {
    this.#state = "asked";
    this.#expected = plus(sequence, 1);
    this.#theirWindow = window;
    this.#theirLargest = Math.min(largest ?? 536, largestSegment);
    this.#emit(flags.syn | flags.ack);
    this.#next = plus(this.#unacknowledged, 1);
    this.#expectAnswer();
  }

  receive(segment: Bare): void {
    const { flags: set } = segment;
    if (set & flags.rst) this.#wasReset(segment);
    else if (this.#state === "asking") this.#wasAnswered(segment);
    else if (set & flags.syn) this.#emit(this.#state === "asked" ? flags.syn | flags.ack : flags.ack);
    else {
      if (set & flags.ack) this.#wasAcknowledged(segment);
      this.#take(segment);
      this.#pump();
      this.#forgetWhenDone();
    }
  }

  override _read(): void {
    // Only when there is much more room than the machine knows of.
    if (this.#state === "open" && !this.#theirEnd && this.#window() - this.#told >= windowBytes / 2)
      this.#emit(flags.ack);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#outgoing = Buffer.concat([this.#outgoing, chunk]);
    if (this.#outgoing.length <= heldBytes) done();
    else this.#waiting = done;
    this.#pump();
  }

  override _final(done: () => void): void {
    this.#ending = true;
    this.#pump();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // One that both sides have ended lives on until the machine knows.
    if (!(this.#ending && this.#theirEnd)) {
      if (this.#state !== "asking" && error === null) this.#emit(flags.rst | flags.ack);
      this.#end();
    } else this.#forgetWhenDone();
    done(error);
  }

  #wasReset({ acknowledged, sequence }: Bare): void {
    if (this.#state === "asking") {
      if (acknowledged === this.#next) this.fail("ECONNREFUSED", "the machine refuses the connection");
    } else if (distance(this.#expected, sequence) <= windowBytes)
      this.fail("ECONNRESET", "the machine has reset the connection");
  }

  #wasAnswered(segment: Bare): void {
    const { flags: set, acknowledged, sequence, window, largest } = segment;
    if (!(set & flags.syn) || !(set & flags.ack) || acknowledged !== this.#next) return;
    this.#state = "open";
    this.#unacknowledged = acknowledged;
    this.#expected = plus(sequence, 1);
    this.#theirWindow = window;
    this.#theirLargest = Math.min(largest ?? 536, largestSegment);
    this.#stopWaiting();
    this.#emit(flags.ack);
    this.emit("connect");
    this.#pump();
  }

  #wasAcknowledged({ acknowledged, window }: Bare): void {
    const sent = distance(this.#unacknowledged, this.#next);
    let count = distance(this.#unacknowledged, acknowledged);
    if (count > sent) return;
    this.#theirWindow = window;
    this.#retries = 0;
    if (count === 0) return;
    this.#unacknowledged = acknowledged;
    if (this.#state === "asked") {
      this.#state = "open";
      count -= 1;
    }
    if (this.#endSent && count > this.#outgoing.length) {
      this.#endAcknowledged = true;
      count -= 1;
    }
    this.#outgoing = this.#outgoing.subarray(count);
    if (this.#next === acknowledged) this.#stopWaiting();
    else this.#expectAnswer();
    if (this.#waiting && this.#outgoing.length <= heldBytes) {
      const done = this.#waiting;
      this.#waiting = undefined;
      done();
    }
  }

  #take({ sequence, data, flags: set }: Bare): void {
    const ends = (set & flags.fin) !== 0;
    if (data.length === 0 && !ends) return;
    const known = distance(sequence, this.#expected);
    if (known <= data.length && !this.#theirEnd) {
      const fresh = data.subarray(known, known + this.#window());
      this.#expected = plus(this.#expected, fresh.length);
      if (fresh.length > 0 && !this.destroyed) this.push(Buffer.from(fresh));
      if (ends && known + fresh.length === data.length) {
        this.#expected = plus(this.#expected, 1);
        this.#theirEnd = true;
        if (!this.destroyed) this.push(null);
      }
    }
    this.#emit(flags.ack);
  }

  /** Sends what the machine has room for. */
  #pump(): void {
    if (this.#state !== "open" || this.#endSent) return;
    for (;;) {
      const sent = distance(this.#unacknowledged, this.#next);
      const room = Math.min(this.#theirWindow - sent, this.#theirLargest);
      const data = this.#outgoing.subarray(sent, sent + Math.max(0, room));
      const isLast = this.#ending && sent + data.length === this.#outgoing.length;
      if (data.length === 0 && !isLast) break;
      this.#emit(flags.ack | flags.psh | (isLast ? flags.fin : 0), data);
      this.#next = plus(this.#next, data.length + (isLast ? 1 : 0));
      this.#endSent = isLast;
      if (isLast) break;
    }
    if (this.#unacknowledged !== this.#next || this.#outgoing.length > 0) this.#expectAnswer();
  }

  #window(): number {
    return Math.max(0, windowBytes - this.readableLength);
  }

  #emit(set: number, data: Buffer = Buffer.alloc(0)): void {
    this.#told = this.#window();
    this.#send({
      sequence: set & flags.syn ? this.#unacknowledged : this.#next,
      acknowledged: set & flags.ack ? this.#expected : 0,
      flags: set,
      window: this.#told,
      ...(set & flags.syn ? { largest: largestSegment } : {}),
      data,
    });
  }

  #expectAnswer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again(), firstRetryMs * 2 ** Math.min(this.#retries, 3));
    this.#timer.unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#retries = 0;
  }

  /** Nothing is lost on the way, but a machine that is short of memory drops what it was given. */
  #again(): void {
    this.#retries += 1;
    if (this.#retries > tries) {
      this.fail("ETIMEDOUT", "the machine does not answer");
      return;
    }
    this.#next = this.#unacknowledged;
    if (this.#state === "open") {
      this.#endSent = false;
      // Into a window that is closed one byte is sent: the answer says whether it has opened.
      this.#theirWindow = Math.max(this.#theirWindow, 1);
      this.#pump();
      return;
    }
    this.#emit(this.#state === "asking" ? flags.syn : flags.syn | flags.ack);
    this.#next = plus(this.#unacknowledged, 1);
    this.#expectAnswer();
  }

  #forgetWhenDone(): void {
    if (this.#theirEnd && this.#endAcknowledged) this.#end();
  }

  /** The other side is gone, or will not have it. */
  fail(code: string, reason: string): void {
    this.#end();
    this.destroy(Object.assign(new Error(`${code}: ${reason}`), { code }));
  }

  #end(): void {
    this.#stopWaiting();
    this.#forget();
    this.#waiting?.();
    this.#waiting = undefined;
  }
}

/** Sequence numbers begin again after 2^32. */
function plus(number: number, count: number): number {
  return (number + count) >>> 0;
}

/** How far `to` is after `from`; what lies before it is very far after it. */
function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}
