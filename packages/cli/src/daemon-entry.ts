import './guard.ts';
import { randomBytes } from 'node:crypto';
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { Daemon } from '@hasp/broker/daemon';
import { HaspError, homeAt } from '@hasp/core';
import { closeInspector, hardenSelf } from '@hasp/process-tree';
import { ENGINE } from './version.ts';

/** Told on this descriptor: one line of JSON, then the key. */
const TOLD = 3;
const ANSWER = 4;
const DESCRIPTORS = 1_024;
const NEWLINE = 0x0a;

void start();

/** A broker in the background: says on descriptor 4 whether it serves, and ends with `stop` or a signal. */
async function start(): Promise<void> {
  let daemon: Daemon;
  try {
    hardenSelf();
    await closeInspector();
    daemon = await open(readFileSync(TOLD));
    closeSync(TOLD);
    answer({ ok: daemon.status() });
  } catch (error) {
    const { code, message, hint } =
      error instanceof HaspError ? error : new HaspError('E_INTERNAL', 'the broker could not start');
    answer({ error: { code, message, hint } });
    process.exit(1);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void daemon.stop());
  process.on('SIGHUP', () => daemon.reload());
  await daemon.ended;
  process.exit(0);
}

async function open(told: Buffer): Promise<Daemon> {
  const end = told.indexOf(NEWLINE);
  const { home: root, ...options } = JSON.parse(told.toString('utf8', 0, end));
  const wrapping = told.length === end + 1 ? undefined : Uint8Array.from(told.subarray(end + 1));
  told.fill(0);
  const parts = {
    ...options,
    home: homeAt(root),
    random: (bytes: number) => randomBytes(bytes),
    clock: Date.now,
    descriptors: DESCRIPTORS,
    ...(ENGINE === undefined ? {} : { engine: ENGINE }),
    say: () => {},
  };
  return Daemon.start(parts, wrapping);
}

function answer(message: object): void {
  writeSync(ANSWER, JSON.stringify(message));
  closeSync(ANSWER);
}
