import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { filesBelow, type Sandbox, type StartOptions } from './sandbox.ts';

/** The exact bytes, fetched as a child would. */
export function secretIn(box: Sandbox, reference: string): Promise<string> {
  return box.ok(['run', '--redact', 'never', '--stdin', `hasp://${reference}`, '--', 'cat']);
}

/** Exit status and message: said in one line and a hint, and nothing was changed. */
export async function refusedImport(box: Sandbox, argv: readonly string[], how: StartOptions = {}): Promise<string> {
  const before = homeBytes(box);
  const { status, stdout, stderr } = await box.run(['secret', 'import', ...argv], how);
  expect([stdout.toString(), homeBytes(box)]).toEqual(['', before]);
  const [said = '', hint = '', ...more] = stderr.toString().split('\n');
  expect([hint, more]).toEqual([expect.stringMatching(/^ {2}→ /), ['']]);
  return `${status} ${said.replace('hasp: ', '')}`;
}

/** Each file with its hash; what SQLite keeps beside the vault while it is open is none of its content. */
export function homeBytes({ home }: Sandbox): string[] {
  return filesBelow(home)
    .filter((file) => !/-(?:wal|shm)$/.test(file))
    .map((file) => `${file} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`)
    .sort();
}
