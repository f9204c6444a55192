import type { Reporter, SerializedError, TestModule } from 'vitest/node';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * What the last line says. A file that doesn't load and an error outside any test count as one
 * failure each: vitest exits with 1 for them, and the line must never say less than the status.
 */
function countResults(modules: readonly TestModule[], strayErrors: number): Counts {
  let [passed, failed, skipped] = [0, strayErrors, 0];
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed += 1;
      else if (state === 'skipped') skipped += 1;
      else failed += 1;
    }
  }
  return { passed, failed, skipped };
}

/** Ends the run with one plain line, `12 passed, 0 failed`, for people and scripts alike. */
export default class SummaryLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): void {
    const { passed, failed, skipped } = countResults(modules, strayErrors.length);
    const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
    // At exit, because vitest still prints its own closing words after this hook.
    process.once('exit', () => process.stdout.write(line));
  }
}
