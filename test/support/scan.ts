import { expect } from 'vitest';
import type { Sandbox, StartOptions } from './sandbox.ts';

/** The answer of `hasp scan --json`, and its exit status. */
export interface ScanReport {
  readonly findings: readonly Readonly<Record<string, unknown>>[];
  readonly scanned: { readonly files: number; readonly bytes: number; readonly objects: number };
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  readonly unwatched: readonly string[];
  readonly status: number | null;
}

export async function scanIn(box: Sandbox, argv: readonly string[], options: StartOptions = {}): Promise<ScanReport> {
  const { status, stdout, stderr } = await box.run(['scan', '--json', ...argv], options);
  try {
    return { ...JSON.parse(stdout.toString()), status };
  } catch {
    expect.fail(`hasp scan ${argv.join(' ')} ended with ${status}: ${stderr}`);
  }
}
