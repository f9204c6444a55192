import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { NamedCommand, Program } from '@hasp/core/rules';
import { resolveCommand } from '@hasp/process-tree';

/**
 * A command with the program that it comes to, as this process finds it.
 * @param searched PATH, as the command has it
 */
export function nameCommand(words: readonly string[], searched: string | undefined, cwd: string): NamedCommand {
  const found = resolveCommand(words[0] ?? '', searched, cwd);
  const program = 'path' in found ? programAt(path.resolve(cwd, found.path)) : undefined;
  return { words, ...(program === undefined ? {} : { program }) };
}

function programAt(file: string): Program | undefined {
  try {
    return { path: file, realPath: realpathSync.native(file) };
  } catch {
    return undefined;
  }
}
