import { HaspError } from '@hasp/core';

/** What a wrapper and the broker say to each other: one JSON message a line; after an answer's line, raw bytes if it names some. */
export interface Frame {
  readonly message: Readonly<Record<string, unknown>>;
  /** Values never become part of a string. Valid until the reader's next `feed`; whoever takes them wipes them. */
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;

export function encodeFrame(message: object, bytes: readonly Uint8Array[] = []): Buffer {
  const length = bytes.reduce((sum, each) => sum + each.length, 0);
  const head = length === 0 ? message : { ...message, bytes: length };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bytes]);
}

/** Puts frames together again, however they were cut. */
export class FrameReader {
  readonly #most: number;
  #pending = Buffer.alloc(0);

  /** @param most bytes of one frame */
  constructor(most: number) {
    this.#most = most;
  }

  /** Every frame that is whole now. @throws HaspError E_USAGE where it is none, or too long */
  feed(chunk: Uint8Array): Frame[] {
    const before = this.#pending;
    this.#pending = Buffer.concat([before, chunk]);
    before.fill(0);
    const frames: Frame[] = [];
    for (let frame = this.#take(); frame !== undefined; frame = this.#take()) frames.push(frame);
    return frames;
  }

  wipe(): void {
    this.#pending.fill(0);
    this.#pending = Buffer.alloc(0);
  }

  #take(): Frame | undefined {
    const end = this.#pending.indexOf(NEWLINE);
    if (end < 0) {
      if (this.#pending.length > this.#most) throw tooLong();
      return undefined;
    }
    const message = readObject(this.#pending.subarray(0, end));
    const length = lengthOf(message);
    if (end + 1 + length > this.#most) throw tooLong();
    if (this.#pending.length < end + 1 + length) return undefined;
    const bytes = Buffer.from(this.#pending.subarray(end + 1, end + 1 + length));
    const rest = Buffer.from(this.#pending.subarray(end + 1 + length));
    this.#pending.fill(0);
    this.#pending = rest;
    return { message, bytes };
  }
}

function readObject(line: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch {
    // Said below.
  }
  throw new HaspError('E_USAGE', 'not a message: one JSON object a line');
}

function lengthOf({ bytes }: Record<string, unknown>): number {
  if (bytes === undefined) return 0;
  if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new HaspError('E_USAGE', 'the length of the bytes is no number');
}

function tooLong(): HaspError {
  return new HaspError('E_USAGE', 'the message is too long');
}
