import type { Command } from './command.ts';

/** A bundle of its own has it: see redact-entry.ts. */
export const REDACT: Command = {
  usage: 'redact',
  says: 'copy stdin to stdout, with every value of the vault masked',
  example: 'make deploy 2>&1 | hasp redact',
  inSession: 'allowed',
  load: async () => (await import('./commands/redact.ts')).redact,
};
