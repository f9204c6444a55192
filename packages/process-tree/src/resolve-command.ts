import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

export type CommandResolution = { readonly path: string } | { readonly problem: 'not-found' | 'not-executable' };

/** What execvp(3) searches where PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * Finds a command as a shell would: with a "/" it is a path, else it is looked for in PATH (an empty
 * part is the current folder). A file that may not be executed is passed over for a later one;
 * folders are never executable. The path returned is as the shell would pass it to exec, not resolved.
 */
export function resolveCommand(command: string, path: string | undefined, cwd: string): CommandResolution {
  if (command === '') return { problem: 'not-found' };
  if (command.includes('/')) {
    const problem = whyNotExecutable(resolve(cwd, command));
    return problem ? { problem: problem === 'out-of-reach' ? 'not-executable' : problem } : { path: command };
  }
  let refused = false;
  for (const folder of (path ?? DEFAULT_PATH).split(':')) {
    const candidate = folder === '' ? `./${command}` : `${folder.replace(/\/$/, '')}/${command}`;
    const problem = whyNotExecutable(resolve(cwd, candidate));
    if (!problem) return { path: candidate };
    if (problem === 'not-executable') refused = true;
  }
  return { problem: refused ? 'not-executable' : 'not-found' };
}

/** Out of reach: in a folder that we may not enter, as bash has it no place where a command is found. */
function whyNotExecutable(file: string): 'not-found' | 'not-executable' | 'out-of-reach' | undefined {
  try {
    if (statSync(file).isDirectory()) return 'not-executable';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'not-found' : 'out-of-reach';
  }
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return 'not-executable';
  }
}
