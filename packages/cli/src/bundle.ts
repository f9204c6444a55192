import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';

type Loader = (exports: object, require: NodeJS.Require, module: object, file: string, folder: string) => void;

/**
 * A CommonJS file, compiled with the code cache that the build made beside it. The cache is only
 * read, and stands where the code itself stands: who could change it could change the code. V8
 * refuses a cache of another version or of other flags, and compiles as always.
 */
export function compileBundle(file: string): Script {
  const source = readFileSync(file, 'utf8');
  const cachedData = readCache(cacheOf(file));
  return new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
}

/** What the file exports. */
export function evaluateBundle<T>(script: Script, file: string, require: NodeJS.Require): T {
  const module = { exports: {} };
  (script.runInThisContext() as Loader)(module.exports, require, module, file, path.dirname(file));
  return module.exports as T;
}

export function cacheOf(file: string): string {
  return file.replace(/\.cjs$/, '.cache');
}

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
