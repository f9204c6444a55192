import { HaspError } from '@hasp/core';
import type { Answer } from '../command.ts';
import { counted } from '../counted.ts';
import type { ScanReport } from './finding.ts';
import { findingLine } from './finding-line.ts';

/** So much of what was not looked into is named to a person. */
const MOST_NAMED = 20;

/** What was looked for. */
export interface Sought {
  readonly isEmpty: boolean;
  /** What is too short to be looked for. */
  readonly unwatched: readonly string[];
}

export function answerOf(report: ScanReport, { isEmpty, unwatched }: Sought): Answer {
  const { findings, scanned, skipped } = report;
  const problem = problemOf(report);
  const isClean = problem === undefined && !isEmpty;
  return {
    json: { findings, scanned, skipped, unwatched },
    text: isClean ? `ok: no managed value in ${amount(report)}` : findings.map(findingLine).join('\n'),
    notes: [
      ...(isEmpty ? ['no managed values to look for'] : []),
      ...(unwatched.length === 0 ? [] : [`too short to be looked for: ${unwatched.join(', ')}`]),
      ...skipped.slice(0, MOST_NAMED).map(({ path, why }) => `not looked into: ${path} ${why}`),
      ...(skipped.length > MOST_NAMED ? [`not looked into: ${skipped.length - MOST_NAMED} more; see --json`] : []),
    ],
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Nothing is called clean that was not looked into. */
function problemOf(report: ScanReport): HaspError | undefined {
  const { findings, isWhole } = report;
  if (findings.length > 0) {
    const names = [...new Set(findings.map(({ secret }) => secret))];
    const places = counted(findings.length, 'place');
    return new HaspError(
      'E_LEAK_FOUND',
      `managed values in ${places}: ${names.join(', ')}`,
      'take them out; and what was committed or shared gets a new value: hasp secret rotate NAME',
    );
  }
  if (isWhole) return undefined;
  return new HaspError(
    'E_STORAGE',
    `no managed value in ${amount(report)}, but not everything could be looked into`,
    'make it readable, unpack it, or name what is to be scanned: hasp scan PATH...',
  );
}

function amount({ scanned: { files, bytes, objects } }: ScanReport): string {
  const things = [...(files > 0 ? [counted(files, 'file')] : []), ...(objects > 0 ? [counted(objects, 'object')] : [])];
  return [...things, `${bytes} bytes`].join(', ');
}
