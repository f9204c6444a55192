import type { Home } from '@hasp/core';
import { type Checkpoint, checkpointIn } from './checkpoint.ts';
import { type Prefix, readPrefix } from './prefix.ts';
import type { Problem } from './problem.ts';
import { judgeNote, type Note, type NoteKey, parseNote } from './signed-note.ts';

/** How a log and a checkpoint of it can differ; a closed set, described in docs/formats/checkpoint.md. */
export type CheckpointProblemCode =
  | 'checkpoint-other-key'
  | 'checkpoint-changed'
  | 'checkpoint-other-chain'
  | 'checkpoint-ahead'
  | 'checkpoint-bytes'
  | 'checkpoint-record';

export type CheckpointProblem = Omit<Problem, 'code'> & { readonly code: CheckpointProblemCode };

/** What `hasp audit verify --checkpoint` answers of the checkpoint. */
export interface CheckpointReport extends Checkpoint {
  readonly ok: boolean;
  readonly problem?: CheckpointProblem;
}

/**
 * Whether the log goes on from where the checkpoint was made: signature, chain, then the log's first bytes. That the
 * log verifies is another question. Only reads.
 * @param text the checkpoint's file
 * @param records that verify, for the count behind the checkpoint
 * @returns undefined where it is no checkpoint
 * @throws HaspError E_STORAGE
 */
export function checkCheckpoint(
  home: Home,
  text: string,
  key: NoteKey,
  chain: string,
  records: number,
): CheckpointReport | undefined {
  const note = parseNote(text);
  const checkpoint = note && checkpointIn(note);
  if (note === undefined || checkpoint === undefined) return undefined;
  const found = judgeSigned(checkpoint, note, key, chain) ?? judgeLog(home, checkpoint);
  if (found === undefined) return { ok: true, ...checkpoint };
  const { seq, size } = checkpoint;
  const { code, message, prefix } = found;
  const place = { seq, line: prefix === undefined ? 1 : prefix.lines + 1, offset: prefix?.bytes ?? size };
  return {
    ok: false,
    ...checkpoint,
    problem: { code, ...place, message, verifiedAfter: Math.max(0, records - seq) },
  };
}

interface Finding {
  readonly code: CheckpointProblemCode;
  readonly message: string;
  readonly prefix?: Prefix;
}

function judgeSigned(checkpoint: Checkpoint, note: Note, key: NoteKey, chain: string): Finding | undefined {
  const judgement = judgeNote(note, key);
  if (judgement === 'not-signed') {
    return { code: 'checkpoint-other-key', message: 'the checkpoint is not signed by this vault' };
  }
  if (judgement === 'changed') {
    return { code: 'checkpoint-changed', message: 'the checkpoint was changed after this vault had signed it' };
  }
  if (checkpoint.chain === chain) return undefined;
  return {
    code: 'checkpoint-other-chain',
    message: `the checkpoint is of another chain of this vault, ${checkpoint.chain.slice(0, 8)}…`,
  };
}

function judgeLog(home: Home, { size, sha256, seq, mac }: Checkpoint): Finding | undefined {
  const prefix = readPrefix(home, size);
  if (prefix.bytes < size) {
    return {
      code: 'checkpoint-ahead',
      message: `the log ends at byte ${prefix.bytes}, and the checkpoint has seen ${size}: it was cut or put back`,
      prefix,
    };
  }
  if (prefix.sha256 !== sha256) {
    const message = `the first ${size} bytes of the log are not those that the checkpoint has seen: it was put back or made anew`;
    return { code: 'checkpoint-bytes', message, prefix };
  }
  if (prefix.last?.seq === seq && prefix.last.mac === mac) return undefined;
  return { code: 'checkpoint-record', message: 'the record of the checkpoint does not end there', prefix };
}
