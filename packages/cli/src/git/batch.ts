import { HaspError } from '@hasp/core';
import { MissingObject } from './missing-object.ts';

export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag';

export interface ObjectHeader {
  readonly oid: string;
  readonly type: ObjectType;
  readonly size: number;
  /** What stood behind the object's name in the list that was read: a path, where `rev-list` made it. */
  readonly rest: Buffer;
}

/** What is told of the stream, object by object. */
export interface ObjectListener {
  begin(header: ObjectHeader): void;
  /** In order; not copied, so gone after the call, but for the last one, behind which `end` comes at once. */
  piece(bytes: Uint8Array, isLast: boolean): void;
  end(): void;
}

/** For `git cat-file`: the lines that the reader reads. */
export const BATCH_FORMAT = '%(objectname) %(objecttype) %(objectsize) %(rest)';

const HEADER = /^([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) (0|[1-9][0-9]{0,15})(?: |$)/;
const MISSING = /^\??([0-9a-f]{40,64}) missing$/;
/** A path can be as long as it likes; a header that is longer still is refused. */
const LONGEST_HEADER = 1 << 20;
const NEWLINE = 0x0a;

/**
 * Reads what `git cat-file --batch=BATCH_FORMAT` prints, in the pieces in which it comes: header, as
 * many bytes as it says, newline. Anything else is an error.
 */
export interface BatchReader {
  /** @throws HaspError E_STORAGE */
  feed(chunk: Buffer): void;
  /** The stream is over. @throws HaspError E_STORAGE in the middle of an object */
  end(): void;
}

export function makeBatchReader(listener: ObjectListener): BatchReader {
  /** Of a header that is not whole yet. */
  let begun: Buffer | undefined;
  /** Bytes of the object still to come; 0 before the newline behind it, -1 between objects. */
  let left = -1;

  /** Returns where the object's bytes begin. */
  function readHeader(chunk: Buffer, from: number): number {
    const newline = chunk.indexOf(NEWLINE, from);
    const part = chunk.subarray(from, newline < 0 ? chunk.length : newline);
    const line = begun === undefined ? part : Buffer.concat([begun, part]);
    if (line.length > LONGEST_HEADER) throw unreadable('a line without an end');
    if (newline < 0) {
      begun = Buffer.from(line);
      return chunk.length;
    }
    begun = undefined;
    const header = parseHeader(line);
    left = header.size;
    listener.begin(header);
    if (left === 0) listener.end();
    return newline + 1;
  }

  return {
    feed(chunk) {
      for (let at = 0; at < chunk.length; ) {
        if (left < 0) {
          at = readHeader(chunk, at);
        } else if (left > 0) {
          const piece = chunk.subarray(at, Math.min(at + left, chunk.length));
          left -= piece.length;
          at += piece.length;
          listener.piece(piece, left === 0);
          if (left === 0) listener.end();
        } else {
          if (chunk[at] !== NEWLINE) throw unreadable('an object longer than announced');
          at += 1;
          left = -1;
        }
      }
    },
    end() {
      if (left >= 0 || begun !== undefined) throw unreadable('an object cut short');
    },
  };
}

function parseHeader(line: Buffer): ObjectHeader {
  const text = line.toString('latin1');
  const header = HEADER.exec(text);
  if (header === null) {
    const missing = MISSING.exec(text)?.[1];
    throw missing === undefined ? unreadable('a line that is no header') : new MissingObject(missing);
  }
  const [whole, oid = '', type, size] = header;
  return { oid, type: type as ObjectType, size: Number(size), rest: line.subarray(whole.length) };
}

function unreadable(what: string): HaspError {
  return new HaspError(
    'E_STORAGE',
    `git printed ${what}, so not everything was checked`,
    'see what git says: git fsck',
  );
}
