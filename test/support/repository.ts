import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { HASP, type Outcome, type Sandbox, type StartOptions } from './sandbox.ts';

const HOOKS = ['pre-commit', 'commit-msg', 'pre-push'];

/** A real repository in a sandbox, with the three hooks or without any. */
export class Repository {
  readonly sandbox: Sandbox;
  readonly folder: string;
  readonly #environment: Readonly<Record<string, string>>;

  /** `folder` may be a clone that is there already. */
  constructor(sandbox: Sandbox, folder: string, options: { init?: readonly string[] } = {}) {
    this.sandbox = sandbox;
    this.folder = path.resolve(sandbox.cwd, folder);
    this.#environment = {
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Author',
      GIT_AUTHOR_EMAIL: 'author@example.com',
      GIT_COMMITTER_NAME: 'Committer',
      GIT_COMMITTER_EMAIL: 'committer@example.com',
    };
    if (existsSync(this.folder)) return;
    mkdirSync(this.folder, { recursive: true });
    this.do('init', '-q', '-b', 'main', ...(options.init ?? []));
  }

  /** In front of every commit and push from now on, in every work tree. */
  guard(): this {
    const folder = path.join(this.sandbox.root, 'guard');
    mkdirSync(folder, { recursive: true });
    for (const hook of HOOKS) {
      const aside = path.join(folder, `${hook}.${process.pid}`);
      writeFileSync(aside, `#!/bin/sh\nexec '${HASP}' hook ${hook} "$@"\n`);
      chmodSync(aside, 0o755);
      renameSync(aside, path.join(folder, hook));
    }
    this.do('config', 'core.hooksPath', folder);
    return this;
  }

  /** Quick, and without hooks. @throws Error if it fails */
  do(...argv: readonly string[]): string {
    return this.with({}, ...argv);
  }

  /** The same with these variables. */
  with(env: Readonly<Record<string, string>>, ...argv: readonly string[]): string {
    return execFileSync('git', ['-c', 'core.hooksPath=/dev/null', ...argv], {
      cwd: this.folder,
      env: { ...this.sandbox.environment, ...this.#environment, ...env },
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 1 << 28,
    }).trim();
  }

  /** As a person would do it, with what hooks are there. */
  git(argv: readonly string[], options: StartOptions = {}): Promise<Outcome> {
    return this.sandbox.other(['git', ...argv], {
      cwd: this.folder,
      ...options,
      env: { ...this.#environment, ...options.env },
    });
  }

  write(name: string | Buffer, text: string | Uint8Array): void {
    const file =
      typeof name === 'string' ? path.join(this.folder, name) : Buffer.concat([Buffer.from(`${this.folder}/`), name]);
    if (typeof file === 'string') mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Writes, stages and commits, without hooks. @returns the commit */
  commit(files: Readonly<Record<string, string | Uint8Array>> = {}, message = 'more'): string {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    this.do('add', '-A');
    this.do('commit', '-q', '--allow-empty', '-m', message);
    return this.do('rev-parse', 'HEAD');
  }

  /** A bare repository beside it, as a remote. @returns its path */
  addRemote(name: string, ...init: readonly string[]): string {
    const folder = path.join(this.sandbox.cwd, `${path.basename(this.folder)}-${name}.git`);
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', ...init, folder], {
      env: this.sandbox.environment,
      stdio: 'pipe',
    });
    this.do('remote', 'add', name, folder);
    return folder;
  }

  /** Writes an object as it is. @returns its id */
  object(type: string, content: string | Uint8Array): string {
    return execFileSync('git', ['hash-object', '-w', '-t', type, '--literally', '--stdin'], {
      cwd: this.folder,
      env: { ...this.sandbox.environment },
      input: content,
      encoding: 'utf8',
    }).trim();
  }
}

/** Every file with its mode and bytes, links as they are. */
export function snapshot(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const file = path.join(folder, name);
      const status = lstatSync(file);
      const what = status.isSymbolicLink() ? readlinkSync(file) : status.isFile() ? readFileSync(file, 'latin1') : '';
      return [name, `${status.mode.toString(8)} ${what}`];
    }),
  );
}
