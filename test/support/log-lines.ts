import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Sandbox } from './sandbox.ts';

export function logFile({ home }: Sandbox): string {
  return path.join(home, 'audit.jsonl');
}

/** Without their newlines. */
export function logLines(box: Sandbox): string[] {
  return readFileSync(logFile(box), 'utf8').split('\n').slice(0, -1);
}

export function rewriteLog(box: Sandbox, lines: readonly string[]): void {
  writeFileSync(logFile(box), lines.map((line) => `${line}\n`).join(''));
}

/** One record becomes another that looks as good. */
export function alterRecord(box: Sandbox, at: number): void {
  rewriteLog(
    box,
    logLines(box).map((line, index) => (index === at ? line.replace('"time":"2', '"time":"3') : line)),
  );
}
