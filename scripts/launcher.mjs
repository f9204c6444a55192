import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** packages/cli/bin/hasp: packages/cli/launcher/hasp.c compiled, or hasp.bash beside it where that can't be. Of a cli that is built. */
export function makeLauncher(root) {
  const cli = path.join(root, 'packages/cli');
  const launcher = path.join(cli, 'bin/hasp');
  const made = `${launcher}-${process.pid}`;
  mkdirSync(path.dirname(launcher), { recursive: true });
  // Statically linked it starts in two thirds of the time, and LD_PRELOAD does not act on it; not every system has that.
  if (!['-static', '-pipe'].some((how) => compiles(how, path.join(cli, 'launcher/hasp.c'), made))) {
    cpSync(path.join(cli, 'launcher/hasp.bash'), made);
  }
  chmodSync(made, 0o755);
  renameSync(made, launcher);
  // npm links a command only if it is there when it installs.
  const link = path.join(root, 'node_modules/.bin/hasp');
  if (!existsSync(link)) symlinkSync('../hasp/bin/hasp', link);
}

/** A compiler whose programs do not start here is none. */
function compiles(how, source, made) {
  const succeeds = (...argv) => spawnSync(argv[0], argv.slice(1), { stdio: 'ignore' }).status === 0;
  return succeeds('cc', '-O2', how, '-o', made, source) && succeeds(made, 'version');
}
