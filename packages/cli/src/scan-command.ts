import type { Command } from './command.ts';

/** A bundle of its own has it: see scan-entry.ts. */
export const SCAN: Command = {
  usage: 'scan [PATH...]',
  says: 'look for managed values in files and folders, in what git has or is about to have, or on stdin',
  example: 'hasp scan . --json',
  options: {
    all: { kind: 'flag', says: 'also what git ignores, and .git' },
    staged: { kind: 'flag', says: 'what is staged for the next commit' },
    range: { kind: 'text', says: 'A..B: every object of these commits' },
    history: { kind: 'flag', says: 'every object of the repository that has a name' },
    stdin: { kind: 'flag', says: 'what comes on stdin' },
  },
  inSession: 'allowed',
  load: async () => (await import('./commands/scan.ts')).scan,
};
