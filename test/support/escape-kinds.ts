import { spawnSync } from 'node:child_process';
import type { EscapeArena } from './escapes.ts';

export type Policy = 'kill' | 'wait';

/** Between TERM and KILL in every attempt. */
export const GRACE_MS = 100;

interface Circumstances {
  readonly arena: EscapeArena;
  readonly policy: Policy;
  readonly stamps: string;
  readonly lifeMs: number;
}

/** One way of getting away from a wrapper. */
export interface EscapeKind {
  readonly name: string;
  /** As a table says it. */
  readonly what: string;
  /** Of the command; 3 if not said. */
  readonly status?: number | string;
  /** All, if not said. */
  readonly policies?: readonly Policy[];
  /** What the machine or the user must allow. */
  readonly needs?: 'own-namespaces' | 'root-namespaces' | 'root';
  /** Put before hasp. */
  readonly through?: readonly string[];
  command(circumstances: Circumstances): readonly string[];
}

const own = ({ arena, stamps, lifeMs }: Circumstances, name: string): readonly string[] => [
  arena.program,
  name,
  stamps,
  String(lifeMs),
];

const program = (name: string, what: string, more: Partial<EscapeKind> = {}): EscapeKind => ({
  name,
  what,
  command: (circumstances) => own(circumstances, name),
  ...more,
});

/** A line of sh that starts `"$0" last "$1" "$2"`; the shell ends as soon as that is seen. */
const shell = (name: string, what: string, line: string): EscapeKind => ({
  name,
  what,
  command: ({ arena, stamps, lifeMs }) => [
    'sh',
    '-c',
    `${line}\nwhile [ ! -s "$1" ]; do sleep 0.01; done; exit 3`,
    arena.program,
    stamps,
    String(lifeMs),
  ],
});

const DETACH = `const [program, stamps, life] = process.argv.slice(1);
require('child_process').spawn(program, ['last', stamps, life], { detached: true, stdio: 'ignore' }).unref();
const look = () => { try { if (require('fs').statSync(stamps).size > 0) process.exit(3); } catch {} setTimeout(look, 5); };
look();`;

const LAST = '"$0" last "$1" "$2"';

const ESCAPE_KINDS: readonly EscapeKind[] = [
  program('child', 'a child'),
  shell('pipeline', 'a pipeline in the background', `${LAST} | ${LAST} &`),
  shell('nohup', '`nohup x &`', `nohup ${LAST} >/dev/null 2>&1 &`),
  {
    name: 'node-detached',
    what: 'Node’s `detached`, `unref`',
    command: ({ arena, stamps, lifeMs }) => [process.execPath, '-e', DETACH, arena.program, stamps, String(lifeMs)],
  },
  program('double-fork', 'double fork, `setsid`'),
  program('bare', 'the same, without environment and descriptors'),
  program('storm', '500 double forks, of which the last hides'),
  program('stopped', 'a child that stopped itself', { policies: ['kill'] }),
  {
    name: 'nested',
    what: 'left by a `hasp run` within',
    command: (circumstances) => {
      const inner = circumstances.policy === 'kill' ? 'leave' : 'wait';
      const argv = ['run', '-e', 'INNER=hasp://api/key', '--stragglers', inner, '--'];
      return [circumstances.arena.hasp, ...argv, ...own(circumstances, 'bare')];
    },
  },
  program('reader', 'a grandchild that still reads'),
  program('sibling', '`clone(CLONE_PARENT)`'),
  program('silent', '`clone` without a signal at its end'),
  program('silent-sibling', '`clone(CLONE_PARENT)` without a signal'),
  program('odd-signal', '`clone` with USR2 for CHLD'),
  program('shared-memory', '`clone(CLONE_VM)`'),
  program('vforked', '`vfork`'),
  program('leader', 'the first thread ends, another lives'),
  program('thread-forks', 'forked by another thread'),
  program('thread-execs', '`execve` by another thread'),
  program('hostile', 'named `a) R 1 1 1 0`'),
  program('namespaces', 'in a user and pid namespace of its own', { needs: 'own-namespaces' }),
  program('own-reaper', 'below a subreaper of its own, which ends'),
  program('refork', 'forks anew every 5 ms, takes no signal'),
  program('spin', 'the same without a pause'),
  program('hops', 'forks and execs every 5 ms, without environment'),
  program('pid-reuse', 'with the pid of one that has ended', {
    needs: 'root-namespaces',
    through: ['unshare', '--pid', '--fork', '--mount-proc'],
  }),
  program('unreaped', 'with 20 zombies of its own'),
  program('deaf', 'ignores and blocks every signal'),
  program('phoenix', 'told to end, leaves a deaf successor'),
  program('chain', '60 generations, all alive'),
  program('traced', 'traced by its child'),
  program('killed-root', 'the command is killed', { status: 137 }),
  {
    name: 'other-uid',
    what: 'as another user',
    needs: 'root',
    command: ({ arena, stamps, lifeMs }) => [arena.setuidProgram, 'other-uid', stamps, String(lifeMs)],
  },
];

/** Those that can be tried here. */
export function possibleKinds(asOther: boolean): EscapeKind[] {
  const isRoot = process.getuid?.() === 0;
  const allows = {
    root: isRoot,
    'own-namespaces': spawnSync('unshare', ['--user', '--pid', '--fork', 'true']).status === 0,
    'root-namespaces':
      isRoot && !asOther && spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0,
  };
  return ESCAPE_KINDS.filter(({ needs }) => needs === undefined || allows[needs]);
}
