import type { Sink, Unpacking } from './archive.ts';
import { type ArchiveKind, FORMAT_BYTES, formatOf } from './format.ts';
import { type Parsing, Pieces } from './pieces.ts';

/** What goes on in an archive of this kind; undefined where it is too deep in others. */
export type Enter = (kind: ArchiveKind) => Unpacking | undefined;

/** Takes bytes that may begin an archive, and unpacks it, or says that it can't. */
export function makeUnpacker(enter: Enter, skip: (why: string) => void): Sink {
  let start: Uint8Array | undefined = new Uint8Array(0);
  let archive: Sink | undefined;

  function begin(bytes: Uint8Array): void {
    start = undefined;
    const format = formatOf(bytes);
    if (format === undefined) return;
    if ('closed' in format) {
      skip(format.closed);
      return;
    }
    const unpacking = enter(format.kind);
    if (unpacking === undefined) skip('is an archive in an archive in an archive');
    else archive = makeReading((pieces) => format.read(pieces, unpacking));
    archive?.feed(bytes);
  }

  return {
    feed(piece) {
      if (start === undefined) return archive?.feed(piece);
      if (piece.length === 0) return;
      if (start.length === 0 && piece.length >= FORMAT_BYTES) return begin(piece);
      start = Buffer.concat([start, piece]);
      if (start.length >= FORMAT_BYTES) begin(start);
    },
    end() {
      if (start !== undefined) begin(start);
      archive?.end();
    },
  };
}

function makeReading(read: (pieces: Pieces) => Parsing): Sink {
  const pieces = new Pieces();
  const reading = read(pieces);
  let isDone = false;
  const goOn = () => {
    if (!isDone) isDone = reading.next().done === true;
  };
  return {
    feed(piece) {
      pieces.give(piece);
      goOn();
    },
    end() {
      pieces.over = true;
      pieces.give(new Uint8Array(0));
      goOn();
    },
  };
}
