import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import { type Clock, HaspError, type Home, homeAt, type Random } from '@hasp/core';
import { type Inherited, readInherited } from '@hasp/process-tree';

/** Everything that a deed may know of the outside. Built once, here; nothing else reads the environment. */
export interface Context {
  /** Looked for when it is first asked for: some commands need none. @throws HaspError E_USAGE where there is no telling */
  readonly home: Home;
  readonly cwd: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly inherited: Inherited;
  /** The environment as the user gave it, before anything was removed for hasp. */
  readonly environment: ReadonlyMap<string, string>;
  readonly uid: number;
  readonly host: string;
  /** The agent session that this process is in; found before a deed begins. */
  inside?: Inside;
}

/** A session without its agent is one that is only said to be there. */
export interface Inside {
  readonly session?: string;
  readonly agent?: string;
}

export function makeContext(): Context {
  const inherited = readInherited(process.env);
  const environment = inherited.environment;
  return {
    get home() {
      return homeAt(homeRoot(inherited));
    },
    cwd: workingDirectory(),
    clock: Date.now,
    random: (bytes) => randomBytes(bytes),
    inherited,
    environment,
    uid: process.getuid?.() ?? 0,
    host: hostname(),
  };
}

/** @throws HaspError E_USAGE where there is neither HASP_HOME nor HOME, or it could only be misread. */
function homeRoot({ environment, invalidUtf8 }: Inherited): string {
  const chosen = environment.get('HASP_HOME') || undefined;
  const home = environment.get('HOME') || undefined;
  const root = chosen ?? (home === undefined ? undefined : path.join(home, '.hasp'));
  if (root === undefined) {
    throw new HaspError('E_USAGE', 'neither HASP_HOME nor HOME is set', 'export HASP_HOME=/a/folder/of/yours');
  }
  // Node replaces what is not UTF-8, which would name another folder.
  if (invalidUtf8 && root.includes('\ufffd')) {
    throw new HaspError('E_USAGE', 'the path of the home is not valid UTF-8', 'export HASP_HOME=/a/folder/of/yours');
  }
  return path.resolve(root);
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw new HaspError('E_USAGE', 'the working directory is gone', 'cd to a folder that exists');
  }
}
