import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compileAsk, mayUnshare, STORM, startAsked } from './support/asking.ts';
import { HASP, Sandbox, type StartOptions, until } from './support/sandbox.ts';

const VALUE = `attacked-${randomBytes(12).toString('hex')}`;
const ASK = ['--ask', 'token'];
let box: Sandbox;
let ask: string;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ token: VALUE });
  ask = compileAsk(box);
});
afterAll(() => box.remove());

const fileIn = (name: string) => readFileSync(path.join(box.cwd, name), 'utf8');
const written = (name: string) =>
  until(name, () => (existsSync(path.join(box.cwd, name)) && fileIn(name).trim()) || undefined);
/** What the socket answers: the value, or the code of the refusal. */
const answerIn = (text: string): string => {
  const { value, error } = JSON.parse(text) as { value?: string; error?: { code: string } };
  return error?.code ?? Buffer.from(value ?? '', 'base64').toString();
};
const outsider = async (socket: string, env: Record<string, string> = {}) =>
  answerIn((await box.other([ask, 'get', socket, 'token'], { env })).stdout.toString());

beforeEach(() => {
  for (const name of ['answer', 'inside', 'pid', 'reborn', 'told']) rmSync(path.join(box.cwd, name), { force: true });
});

describe('--scope tree', () => {
  it('serves a descendant six deep, in a session of its own, without an environment, orphaned', async () => {
    const deep = box.write(
      'deep',
      'if [ $1 -gt 0 ]; then sh "$0" $(($1 - 1)) "$2" "$3"; else "$2" get "$3" token >answer.new; mv answer.new answer; fi; true',
    );
    const orphan = `(setsid env -i PATH=$PATH sh -c 'sleep 0.1; sh ${deep} 5 ${ask} "$0"; true' $HASP_SOCKET &)`;
    const asked = await startAsked(box, ASK, `${ask} get $HASP_SOCKET token >inside; ${orphan}`);
    expect(answerIn(await written('inside'))).toBe(VALUE);
    expect(answerIn(await written('answer'))).toBe(VALUE);
    await asked.end();
  });

  it('serves members of namespaces of their own', async (context) => {
    if (!mayUnshare) return context.skip();
    const outcome = await box.run([
      'run',
      '--redact',
      'never',
      ...ASK,
      '--',
      'sh',
      '-c',
      `unshare --pid --fork --mount-proc ${ask} get $HASP_SOCKET token`,
    ]);
    expect(answerIn(outcome.stdout.toString())).toBe(VALUE);
  });

  it('serves members whose ancestors come and go all the time', async () => {
    const script = `i=0; while [ $i -lt 100 ]; do i=$((i + 1)); (sh -c '(sh -c "${ask} get $HASP_SOCKET token >>inside" & ) &' &); done`;
    const asked = await startAsked(box, ASK, script);
    const answers = await until('a hundred answers', () => {
      const lines = existsSync(path.join(box.cwd, 'inside')) ? fileIn('inside').trim().split('\n') : [];
      return lines.length === 100 && lines;
    });
    expect(new Set(answers.map(answerIn))).toEqual(new Set([VALUE]));
    await asked.end();
  });

  it('refuses an outsider of the same user, with all that it can steal', async () => {
    const asked = await startAsked(box, ASK);
    const stolen = { HASP_GRANT: asked.grant, HASP_SOCKET: asked.socket };
    expect(await outsider(asked.socket)).toBe('E_NOT_IN_TREE');
    expect(await outsider(asked.socket, stolen)).toBe('E_NOT_IN_TREE');
    const { status, stdout, stderr } = await box.run(['get', 'token', '--json'], { env: stolen });
    expect([status, stdout.length]).toEqual([3, 0]);
    expect(JSON.parse(stderr.toString())).toMatchObject({ error: { code: 'E_NOT_IN_TREE' } });
    await asked.end();
  });

  it('refuses what the shell that became hasp had in the background', async () => {
    const background = `(while [ ! -s told ]; do sleep 0.02; done; sleep 0.2; ${ask} get $(cut -d" " -f1 told) token >answer.new; mv answer.new answer) &`;
    const command = `echo "$HASP_SOCKET" >told.new; mv told.new told; while [ ! -f answer ]; do sleep 0.02; done`;
    await box.other(['bash', '-c', `${background} exec ${HASP} run ${ASK.join(' ')} -- sh -c '${command}'`]);
    expect(answerIn(fileIn('answer'))).toBe('E_NOT_IN_TREE');
  });

  it('refuses the connection of an outsider in the hands of a member', async () => {
    const pass = path.join(box.cwd, 'pass');
    const asked = await startAsked(box, ASK, `${ask} borrow ${pass} token >answer.new; mv answer.new answer`);
    const lender = spawn(ask, ['lend', asked.socket, pass], { stdio: ['pipe', 'ignore', 'ignore'] });
    expect(answerIn(await written('answer'))).toBe('E_NOT_IN_TREE');
    lender.kill();
    await asked.end();
  });

  it.runIf(mayUnshare)('refuses a connection whose maker has ended and whose pid a member has now', async () => {
    // While the wrapper is stopped an outsider connects and ends; a member is given its pid; a child of
    // the outsider has the connection. By the pid alone it would be a member that asks.
    const member = `while [ ! -f pid ]; do sleep 0.02; done; exec ${ask} become $(cat pid) sh -c 'echo >reborn; while [ ! -f over ]; do sleep 0.02; done'`;
    const script = `
      rm -f over
      ${HASP} run ${ASK.join(' ')} -- sh -c '
        echo $HASP_SOCKET >told.new; mv told.new told; ${member.replaceAll("'", "'\\''")}' &
      wrapper=$!
      while [ ! -f told ]; do sleep 0.02; done
      kill -STOP $wrapper
      ${ask} bequeath $(cat told) token reborn >answer &
      maker=$!; wait $maker
      echo $maker >pid.new; mv pid.new pid
      while [ ! -f reborn ]; do sleep 0.02; done
      sleep 0.1
      kill -CONT $wrapper
      while [ ! -s answer ]; do sleep 0.02; done
      grep -c . /proc/$maker/stat
      touch over; wait $wrapper`;
    const outcome = await box.other(['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', script]);
    // The pid was in use again when the answer came.
    expect(outcome.stdout.toString()).toBe('1\n');
    expect(answerIn(fileIn('answer'))).toBe('E_PEER_UNKNOWN');
  });
});

describe('--scope root', () => {
  it('serves the command itself, and refuses its child and everyone else', async () => {
    const root = await box.run([
      'run',
      '--redact',
      'never',
      ...ASK,
      '--scope',
      'root',
      '--',
      'sh',
      '-c',
      `exec ${ask} get $HASP_SOCKET token`,
    ]);
    expect(answerIn(root.stdout.toString())).toBe(VALUE);
    const asked = await startAsked(box, [...ASK, '--scope', 'root'], `${ask} get $HASP_SOCKET token >inside`);
    expect(answerIn(await written('inside'))).toBe('E_NOT_IN_TREE');
    expect(await outsider(asked.socket)).toBe('E_NOT_IN_TREE');
    await asked.end();
  });
});

describe('a crowd', () => {
  const storm = (socket: string, count: number, who: 'member' | 'outsider') =>
    [process.execPath, STORM, socket, String(count), who, 'token', VALUE] as const;

  it('of 1,000 connections of every kind, from inside and outside at once, gets no wrong answer', async () => {
    const inside = storm('$HASP_SOCKET', 125, 'member').join(' ');
    const script = `${inside} >in1 & setsid ${inside} >in2 & sh -c 'sh -c "${inside} >in3; true"; true' & (setsid sh -c '${inside} >in4 &') & wait`;
    const before = (await box.log('--type', 'grant.delivered')).length;
    const asked = await startAsked(box, ASK, `(${script}) &`);
    const outside = await Promise.all([1, 2, 3, 4].map(() => box.other(storm(asked.socket, 125, 'outsider'))));
    const members = await Promise.all(['in1', 'in2', 'in3', 'in4'].map(written));
    await asked.end();
    const told = [...outside.map(({ stdout }) => stdout.toString()), ...members].map((text) => JSON.parse(text));
    expect(told.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(told.reduce((sum, { right }) => sum + right, 0)).toBe(1_000);
    // Each value that was handed out is on record, and none to an outsider.
    const records = (await box.log('--type', 'grant.delivered')).slice(before);
    const pids = new Set(records.map(({ peer }) => (peer as { pid: number }).pid));
    expect([...pids].sort()).toEqual(
      told
        .slice(4)
        .map(({ pid }) => pid)
        .sort(),
    );
    // Of 125 connections 44 are of the four kinds that get the value; the 10 that ask and leave may have been served.
    expect(records.length).toBeGreaterThanOrEqual(4 * 44);
    expect(records.length).toBeLessThanOrEqual(4 * 54);
  });

  it.each([40, 1_024])(
    'of 1,000 idle members keeps nobody from being served, nor the run from its end, with %i descriptors',
    async (limit) => {
      const idle = `const {connect}=require("net");let left=1000;const next=()=>{if(left--===0)return console.log("all");const s=connect(process.env.HASP_SOCKET);s.on("error",()=>{});s.on("connect",next)};next();setTimeout(()=>{},60000)`;
      const asked = await startAsked(
        box,
        ASK,
        `node -e '${idle}' >inside & while [ ! -s inside ]; do sleep 0.02; done; ${ask} get $HASP_SOCKET token >answer`,
        { through: ['sh', '-c', `ulimit -Sn ${limit}; exec "$@"`, 'sh'] },
      );
      expect(answerIn(await written('answer'))).toBe(VALUE);
      expect(await outsider(asked.socket)).toBe('E_NOT_IN_TREE');
      await asked.end();
      expect((await box.log()).at(-1)).toMatchObject({ type: 'grant.ended', run: asked.grant });
    },
  );
});

describe('an ordinary user', () => {
  const NOBODY = 65_534;

  it('is served as root is', async (context) => {
    const mine = new Sandbox();
    try {
      const isRoot = process.getuid?.() === 0;
      const through = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
      if ((await mine.other([HASP, 'version'], { through })).status !== 0) return context.skip();
      chmodSync(mine.root, 0o755);
      if (isRoot) for (const folder of [mine.root, mine.cwd, mine.tmp]) chownSync(folder, NOBODY, NOBODY);
      const program = compileAsk(mine);
      const how: StartOptions = { through };
      await mine.ok(['init', '--key-file'], how);
      await mine.ok(['secret', 'set', 'token'], { ...how, stdin: VALUE });
      const asked = await startAsked(
        mine,
        ASK,
        `setsid sh -c '${program} get $HASP_SOCKET token >inside; true'; ${HASP} get token >again`,
        how,
      );
      const inside = path.join(mine.cwd, 'again');
      await until('two answers', () => existsSync(inside) && readFileSync(inside, 'utf8') === VALUE);
      expect(answerIn(readFileSync(path.join(mine.cwd, 'inside'), 'utf8'))).toBe(VALUE);
      const outside = await mine.other([program, 'get', asked.socket, 'token'], how);
      expect(answerIn(outside.stdout.toString())).toBe('E_NOT_IN_TREE');
      await asked.end();
    } finally {
      mine.remove();
    }
  });
});
