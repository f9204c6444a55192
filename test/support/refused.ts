import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { Sandbox, StartOptions } from './sandbox.ts';

/** How a run must be refused. */
export interface Refusal {
  readonly code: string;
  readonly words: RegExp;
  /** What must not be said. */
  readonly value: string;
}

/**
 * The child must not have run; quickly, with one line that names the fault, one hint at most, and no
 * value. Returns stderr.
 */
export async function expectRefused(
  box: Sandbox,
  options: readonly string[],
  { code, words, value }: Refusal,
  how: StartOptions = {},
): Promise<string> {
  const marker = path.join(box.cwd, 'started');
  const argv = ['run', ...options, '--', 'touch', marker];
  const outcome = await box.run(argv, how);
  const stderr = outcome.stderr.toString();
  expect({ status: outcome.status, stdout: outcome.stdout.toString(), started: existsSync(marker) }).toEqual({
    status: 125,
    stdout: '',
    started: false,
  });
  expect(stderr).toMatch(/^hasp: [^\n]+\n(?: {2}→ [^\n]+\n)?$/);
  expect(stderr).toMatch(words);
  expect(stderr).not.toContain(value);
  // A second is promised on a quiet machine.
  expect(outcome.ms).toBeLessThan(5_000);
  const json = await box.run(['run', '--json', ...argv.slice(1)], how);
  expect(json.status).toBe(125);
  expect(json.stderr.toString()).toMatch(/^\{[^\n]+\}\n$/);
  expect((JSON.parse(json.stderr.toString()) as { error: { code: string } }).error.code).toBe(code);
  expect(existsSync(marker)).toBe(false);
  return stderr;
}
