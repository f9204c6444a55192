import { type Manifest, parseManifest } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import type { RunInput } from './input.ts';
import { readRunArgv } from './run-grammar.ts';
import { needsManifest, planRun } from './run-plan.ts';

const MANIFEST = parseManifest(
  `{ "version": 1, "env": { "TOP": "hasp://top" },
     "targets": {
       "test": { "command": ["npm", "test"], "env": { "A": "hasp://a", "B": "hasp://b" }, "ttl": "5m", "grace": "1s", "redact": "never" },
       "named": { "env": { "N": "hasp://n" }, "stragglers": "wait", "pristine": true } } }`,
  'hasp.json',
);

function plan(argv: string[], manifest: Manifest | undefined = MANIFEST) {
  return planRun(input(argv), manifest);
}

function input(argv: string[]): RunInput {
  const read = readRunArgv(argv);
  if (read === undefined) throw new Error(`not plain: ${argv.join(' ')}`);
  return read;
}

function granted(argv: string[], manifest?: Manifest): string[] {
  return plan(argv, manifest).wishes.map(({ binding: { delivery, reference }, origin }) => {
    const variable = 'variable' in delivery ? delivery.variable : delivery.kind;
    return `${origin.kind}:${variable}=${reference.name}`;
  });
}

describe('the plan of a run', () => {
  it('takes the target whose command is the longest prefix, else the top level', () => {
    expect(granted(['--', 'npm', 'test', '-x'])).toEqual(['manifest:A=a', 'manifest:B=b']);
    expect(granted(['--', 'npm', 'install'])).toEqual(['manifest:TOP=top']);
  });

  it('waits between TERM and KILL no longer than a grant may live, which a timer can hold', () => {
    expect(plan(['--grace', '30d', '--', 'npm', 'test']).graceMs).toBe(86_400_000);
    expect(plan(['--', 'npm', 'test']).graceMs).toBe(1_000);
  });

  it('adds flags to a named target, and with flags alone reads no manifest', () => {
    expect(granted(['--target', 'named', '-e', 'X=hasp://x', '--', 'npm', 'test'])).toEqual([
      'manifest:N=n',
      'flags:X=x',
    ]);
    expect(granted(['-e', 'X', '--', 'npm', 'test'])).toEqual(['flags:X=X']);
    expect(needsManifest(input(['-e', 'X', '--', 'npm']))).toBe(false);
    expect(needsManifest(input(['-e', 'X', '--target', 'named', '--', 'npm']))).toBe(true);
    expect(needsManifest(input(['--', 'npm']))).toBe(true);
  });

  it('narrows what the manifest gives, and refuses to narrow what it does not', () => {
    expect(granted(['--only', 'A', '--', 'npm', 'test'])).toEqual(['manifest:A=a']);
    expect(granted(['--except', 'A', '--', 'npm', 'test'])).toEqual(['manifest:B=b']);
    expect(() => plan(['--only', 'Z', '--', 'npm', 'test'])).toThrow(/no variable "Z"/);
    expect(() => plan(['--except', 'A,B', '--', 'npm', 'test'])).toThrow(/no secret is granted/);
    expect(() => plan(['-e', 'A', '--except', 'A', '--', 'npm', 'test'])).toThrow(/none is used here/);
  });

  it('takes flags before the target, and the target before the defaults', () => {
    expect(plan(['--', 'npm', 'test'])).toMatchObject({
      ttlMs: 300_000,
      graceMs: 1_000,
      redact: 'never',
      stragglers: 'kill',
    });
    expect(plan(['--ttl', '9s', '--grace', '3s', '--redact', 'always', '--', 'npm', 'test'])).toMatchObject({
      ttlMs: 9_000,
      graceMs: 3_000,
      redact: 'always',
    });
    expect(plan(['--target', 'named', '--', 'x'])).toMatchObject({
      pristine: true,
      stragglers: 'wait',
      graceMs: 2_000,
      redact: 'auto',
    });
  });

  it('ends every grant after a day at the latest, whatever is asked', () => {
    expect(plan(['--ttl', '48h', '--', 'npm', 'test'])).toMatchObject({ ttlMs: 86_400_000, ttlCut: true });
    expect(plan(['--ttl', '24h', '--', 'npm', 'test'])).toMatchObject({ ttlMs: 86_400_000, ttlCut: false });
    expect(() => plan(['--ttl', '0s', '--', 'npm', 'test'])).toThrow(/grants nothing/);
  });

  it('grants nothing where nothing is named, and says the two ways', () => {
    expect(() => plan(['--', 'npm'], parseManifest('{ "version": 1 }', 'm'))).toThrow(/no secret is granted/);
  });

  it('refuses a value where a reference belongs without repeating it, and names that are hasp’s own', () => {
    expect(() => plan(['-e', 'X=s3cret-value', '--', 'x'])).toThrow(/not a valid reference/);
    expect(() => plan(['-e', 'HASP_KEY_FILE=hasp://x', '--', 'x'])).toThrow(/hasp's own/);
    expect(() => parseManifest('{ "version": 1, "env": { "HASP_KEY_FILE": "hasp://x" } }', 'm')).toThrow(
      /variable name/,
    );
    expect(() => plan(['--target', 'tests', '--', 'x'])).toThrow(/no target "tests"/);
  });
});
