import { GENESIS_MAC, LINK_BYTES, MAC_END } from './chain.ts';
import type { Disk } from './disk.ts';
import { MAX_RECORD } from './record.ts';

const BUFFER_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/**
 * A moving view of the log: bytes of the file in one buffer, always with the link (the MAC before,
 * and its end) in front of the place asked for, so that every slice of a MAC is contiguous. Before
 * the start of the file stands the link of mac_0.
 */
export class LogWindow {
  readonly bytes = Buffer.allocUnsafe(BUFFER_BYTES);
  /** Bytes of the buffer that are filled. */
  length = 0;
  readonly #disk: Disk;
  readonly #fd: number;
  #end: number;
  readonly #onRead: ((offset: number) => void) | undefined;
  /** Treat the end of the file as a newline, so that a whole record without one is seen. */
  readonly #closeLastLine: boolean;

  constructor(
    disk: Disk,
    fd: number,
    end: number,
    options: { closeLastLine?: boolean; onRead?: (offset: number) => void } = {},
  ) {
    this.#disk = disk;
    this.#fd = fd;
    this.#end = end;
    this.#closeLastLine = options.closeLastLine ?? false;
    this.#onRead = options.onRead;
  }

  /** File bytes [.., end) are looked at: not what is appended later, and less if the file turns out shorter. */
  get end(): number {
    return this.#end;
  }

  /** One more than the size where the last line is closed by this view. */
  get closedEnd(): number {
    return this.#closeLastLine ? this.#end + 1 : this.#end;
  }

  /** Fills the buffer so that index LINK_BYTES is file offset `offset`. @returns true if it reaches to the end */
  load(offset: number): boolean {
    const { bytes } = this;
    let filled = 0;
    let from = offset - LINK_BYTES;
    if (from < 0) {
      const genesis = GENESIS_MAC + MAC_END;
      filled = bytes.write(genesis.slice(offset), 0, 'latin1');
      from = 0;
    }
    while (filled < bytes.length - 1 && from < this.#end) {
      const room = Math.min(bytes.length - 1 - filled, this.#end - from);
      const read = this.#disk.read(this.#fd, bytes, filled, room, from);
      // Cut off since its size was asked for.
      if (read === 0) this.#end = from;
      filled += read;
      from += read;
    }
    const atEnd = from >= this.#end;
    if (atEnd && this.#closeLastLine) bytes[filled++] = NEWLINE;
    this.length = filled;
    this.#onRead?.(Math.min(from, this.#end));
    return atEnd;
  }

  /** Index of the newline that ends the line at `index`, or -1 if none stands within a record's length. */
  lineEnd(index: number): number {
    const at = this.bytes.indexOf(NEWLINE, index);
    return at < 0 || at >= this.length || at - index >= MAX_RECORD ? -1 : at;
  }
}

/** A verified record; empty if it was damaged since. */
export function recordAt(window: LogWindow, offset: number): Record<string, unknown> {
  window.load(offset);
  try {
    const line = window.bytes.toString('utf8', LINK_BYTES, window.lineEnd(LINK_BYTES));
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
