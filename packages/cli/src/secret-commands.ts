import { ASSIGNMENT_FORMATS } from '@hasp/core';
import type { Command } from './command.ts';
import { ON_CONFLICT } from './import-plan.ts';
import { PLACEHOLDER_OPTION } from './placeholder.ts';
import { SCOPES_OPTION } from './scopes.ts';

const VALUE_FILE = { file: { kind: 'text', says: 'PATH: take the value from this file, every byte of it' } } as const;

/** What is done with secrets by name. */
export const SECRET_COMMANDS: readonly Command[] = [
  {
    usage: 'secret set NAME',
    says: 'store a value: from a hidden prompt, from stdin when it is no terminal, or from a file',
    example: "printf %s 'postgres://…' | hasp secret set db/url",
    options: { ...VALUE_FILE, ...PLACEHOLDER_OPTION, ...SCOPES_OPTION },
    load: async () => (await import('./commands/secret-set.ts')).setSecret,
  },
  {
    usage: 'secret import FILE',
    says: 'store all values of a .env or JSON file, or of stdin (-): all of them or none',
    example: 'hasp secret import .env --dry-run',
    options: {
      format: { kind: 'text', choices: ASSIGNMENT_FORMATS, says: 'F: env or json; without it, the file tells' },
      'dry-run': { kind: 'flag', says: 'say what would become of each name; store and record nothing' },
      prefix: { kind: 'text', says: 'P: put P/ in front of each name' },
      'on-conflict': {
        kind: 'text',
        choices: ON_CONFLICT,
        says: 'C: names that exist: skip, overwrite (a new version), or fail, which is the default',
      },
    },
    load: async () => (await import('./commands/secret-import.ts')).importSecrets,
  },
  {
    usage: 'secret list',
    says: 'names, versions and times; never a value',
    example: 'hasp secret list --json',
    inSession: 'allowed',
    load: async () => (await import('./commands/secret-list.ts')).listSecrets,
  },
  {
    usage: 'secret show NAME',
    says: 'what is known of one secret, but for its value',
    example: 'hasp secret show db/url',
    inSession: 'allowed',
    load: async () => (await import('./commands/secret-show.ts')).showSecret,
  },
  {
    usage: 'secret history NAME',
    says: 'the versions that are kept, newest first',
    example: 'hasp secret history db/url',
    inSession: 'allowed',
    load: async () => (await import('./commands/secret-history.ts')).showHistory,
  },
  {
    usage: 'secret rm NAME',
    says: 'remove a secret, or one version of it (NAME@N), from every byte of the vault',
    example: 'hasp secret rm db/url@1',
    load: async () => (await import('./commands/secret-rm.ts')).removeSecret,
  },
  {
    usage: 'secret rename NAME TO',
    says: 'give a secret another name; its versions go with it',
    example: 'hasp secret rename db/url db/primary',
    load: async () => (await import('./commands/secret-rename.ts')).rename,
  },
  {
    usage: 'secret rotate NAME',
    says: 'store a new value of a secret that exists, and end its live grants',
    example: 'openssl rand -base64 32 | hasp secret rotate api/key --forget',
    options: {
      ...VALUE_FILE,
      forget: { kind: 'flag', says: 'destroy the earlier versions' },
      ...PLACEHOLDER_OPTION,
      ...SCOPES_OPTION,
    },
    load: async () => (await import('./commands/secret-rotate.ts')).rotateSecret,
  },
  {
    usage: 'secret placeholder NAME',
    says: 'say that a value is no secret (`changeme`): it is not masked, and not looked for',
    example: 'hasp secret placeholder db/password',
    options: { off: { kind: 'flag', says: 'it is a secret after all' } },
    inSession: 'own',
    load: async () => (await import('./commands/secret-placeholder.ts')).markPlaceholder,
  },
  {
    usage: 'secret baseline NAME',
    says: 'accept what a secret can do now: rules with a scopeCheck deny what was not accepted',
    example: 'hasp secret baseline github/token',
    load: async () => (await import('./commands/secret-baseline.ts')).acceptBaseline,
  },
  {
    usage: 'secret reveal NAME',
    says: 'show a value: to a person at a terminal only',
    example: 'hasp secret reveal db/url',
    load: async () => (await import('./commands/secret-reveal.ts')).revealSecret,
  },
];
