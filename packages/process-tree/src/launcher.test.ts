import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog, Workshop } from '../../../test/programs/workshop.ts';

/** Variables that bash or Node would change, lose, obey or trip over. */
const HOSTILE: Readonly<Record<string, string>> = {
  'a.b': '1',
  'npm_config_//registry.example/:_auth': 'x y',
  LINES_OF: 'one\ntwo\n\n',
  EMPTY: '',
  EQUALS: 'a=b=c',
  QUOTES: '"\'`$(exit 9)\\',
  BASH_ENV: '/nonexistent/bash-env',
  ENV: '/nonexistent/env',
  SHELLOPTS: 'xtrace',
  BASHOPTS: 'nullglob',
  BASH_VERSION: '0',
  'BASH_FUNC_exec%%': '() { echo taken over; }',
  'BASH_FUNC_export%%': '() { echo taken over; }',
  POSIXLY_CORRECT: '1',
  PS1: '$ ',
  PS4: '$(echo traced >&2)',
  IFS: '/',
  OPTIND: '4',
  UID: '12',
  EUID: '12',
  PPID: '12',
  RANDOM: '12',
  SECONDS: '12',
  LINENO: '12',
  GROUPS: '12',
  DIRSTACK: '12',
  HOSTNAME: 'somewhere',
  EXECIGNORE: '*',
  GLOBIGNORE: '*',
  CDPATH: '/',
  TMOUT: '1',
  LC_ALL: 'xx_YY.UTF-8',
  LANG: 'zz_ZZ',
  NODE_OPTIONS: '--require /nonexistent/module.cjs',
  NODE_DEBUG: 'child_process',
  NODE_EXTRA_CA_CERTS: '/nonexistent/ca.pem',
  NODE_PATH: '/nonexistent',
  NODE_V8_COVERAGE: '/nonexistent/coverage',
  NODE_REDIRECT_WARNINGS: '/nonexistent/warnings',
  OPENSSL_CONF: '/nonexistent/openssl.cnf',
  SSL_CERT_FILE: '/nonexistent/cert.pem',
  UV_THREADPOOL_SIZE: '1',
  __HASP_ENV_0: 'FORGED=1',
  __HASP_ENV_9: 'FORGED=1',
  __HASP_LAUNCHER: '1',
  __HASP_FDS: '1 2 3',
  __HASP_IGNORED: 'ffffffff',
  __hasp_saved: 'x',
  __hasp_line: 'x',
};

describe.each(['built', 'bash'] as const)('the launcher (%s)', { timeout: 30_000 }, (launcher) => {
  let workshop: Workshop;
  let environmentProgram: string;
  beforeAll(() => {
    workshop = new Workshop(launcher);
    environmentProgram = workshop.compile('environment');
  });
  afterAll(() => workshop.close());

  it.each([
    ['nothing else', {}],
    ['a PWD of its own', { PWD: '/' }],
    ['a SHLVL', { SHLVL: '7' }],
    ['_ and OLDPWD', { _: 'before', OLDPWD: '/somewhere' }],
  ])('hands the command the environment byte for byte: hostile variables and %s', (_, extra) => {
    const variables = { ...HOSTILE, ...extra, PATH: process.env['PATH'] ?? '' };
    const list = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const direct = execFileSync('env', ['-i', ...list, environmentProgram], { encoding: 'latin1' });
    const through = execFileSync('env', ['-i', ...list, workshop.hasp, environmentProgram], {
      encoding: 'latin1',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(through.split('\0')).toEqual(direct.split('\0'));
  });

  it('hands on any environment', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((word) => !word.includes('\0'));
    const special = fc.constantFrom(
      'PS1',
      'BASH_ARGV0',
      'COLUMNS',
      'FUNCNAME',
      'HISTCMD',
      'PIPESTATUS',
      'NODE_X',
      'x[0]',
      'f()',
    );
    const name = fc.oneof(text, special, fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,3}$/));
    const names = name.filter((word) => word !== '' && !word.includes('=') && !/^(?:PATH|LD_.*)$/.test(word));
    fc.assert(
      fc.property(fc.dictionary(names, text, { maxKeys: 12, noNullPrototype: true }), (variables) => {
        const list = [
          '-i',
          `PATH=${process.env['PATH']}`,
          ...Object.entries(variables).map((entry) => entry.join('=')),
        ];
        const direct = execFileSync('env', [...list, environmentProgram]);
        const through = execFileSync('env', [...list, workshop.hasp, environmentProgram]);
        expect(through.toString().split('\0')).toEqual(direct.toString().split('\0'));
      }),
      { numRuns: 15 },
    );
  });

  it('hands on an empty environment', () => {
    const nodeFolder = path.dirname(process.execPath);
    const outcome = execFileSync('env', ['-i', `PATH=${nodeFolder}:/usr/bin:/bin`, workshop.hasp, environmentProgram]);
    expect(outcome.toString()).toBe(`PATH=${nodeFolder}:/usr/bin:/bin\0`);
  });

  it('prints nothing of its own whatever the environment says', async () => {
    const outcome = spawnSync(workshop.hasp, ['/bin/true'], { env: { ...process.env, ...HOSTILE }, encoding: 'utf8' });
    expect(outcome).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('names what it kept from its own process', async () => {
    const log = workshop.newLog();
    await workshop.sh('"$HASP" true', { log }, { ...process.env, NODE_DEBUG: 'x', OPENSSL_CONF: '/nonexistent' });
    expect(readLog(log).entries[0]?.['neutralised']).toEqual(expect.arrayContaining(['NODE_DEBUG', 'OPENSSL_CONF']));
  });

  it('leaves descriptors, nofile, umask, folder and ignored signals as they are', async () => {
    const program = workshop.program('circumstances.sh');
    const line = (before: string): string => (before.endsWith(' ') ? before : `${before}; `);
    for (const before of [
      ':',
      'ulimit -Sn 256; umask 027; cd /',
      'exec 3</dev/null 9</dev/null 63</dev/null 200</dev/null 255</dev/null',
      "trap '' HUP QUIT USR1 PIPE TSTP",
      "trap '' INT TERM; exec 0<&-",
      'exec env --ignore-signal=QUIT --block-signal=USR2,40 ',
      'exec 2>&-',
    ]) {
      const direct = await workshop.sh(`${line(before)}sh ${program}`);
      const through = await workshop.sh(`${line(before)}"$HASP" sh ${program}`);
      expect(through.stdout.toString(), before).toBe(direct.stdout.toString());
    }
  });

  it('says when an argument or a variable is not valid UTF-8', async () => {
    const log = workshop.newLog();
    await workshop.sh('"$HASP" true $(printf "\\377")', { log });
    expect(readLog(log).entries[0]?.['invalidUtf8']).toBe(true);
    await workshop.sh('X=$(printf "\\377") "$HASP" true', { log: `${log}x` });
    expect(readLog(`${log}x`).entries[0]?.['invalidUtf8']).toBe(true);
    await workshop.sh('X=ü "$HASP" true ü', { log: `${log}y` });
    expect(readLog(`${log}y`).entries[0]?.['invalidUtf8']).toBe(false);
  });

  it('is found through symbolic links of any kind, and by PATH', async () => {
    const { folder } = workshop;
    const byBash = launcher === 'bash' ? 'bash hasp' : './hasp';
    symlinkSync('bin/hasp', path.join(folder, 'a link'));
    symlinkSync(path.join(folder, 'a link'), path.join(folder, 'absolute'));
    const outcome = await workshop.sh(
      `cd ${folder}; './a link' echo 1; ./absolute echo 2; cd /; ${folder}/absolute echo 3; cd ${folder}/bin;` +
        ` ${byBash} echo 4; PATH=$PATH:. hasp echo 5`,
    );
    expect(outcome.stdout.toString()).toBe('1\n2\n3\n4\n5\n');
  });

  it('says in one line that there is no node, with the status that belongs to the command', async () => {
    const by = launcher === 'bash' ? '/usr/bin/env -u LC_ALL $BASH -p' : '';
    const lines = `PATH=/nowhere; for c in run list; do ${by} "$HASP" $c; echo $?; done`;
    const outcome = await workshop.sh(lines);
    expect(outcome.stdout.toString()).toBe('125\n1\n');
    expect(outcome.stderr).toBe('hasp: needs Node.js 20 or later, and there is no node in PATH\n'.repeat(2));
  });
});
