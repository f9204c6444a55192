import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AuditLog, createLog, readRecords } from '@hasp/audit';
import { type AccessRequest, type Delivery, homeAt } from '@hasp/core';
import { selfIdentity } from '@hasp/process-tree';
import { createVault, type Vault } from '@hasp/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Broker } from './broker.ts';
import { reconcile } from './reconcile.ts';
import type { RunRequest } from './run-request.ts';

const VALUE = 'value-of-the-canary';
let folder: string;
let vault: Vault;
let log: AuditLog;
let broker: Broker;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'hasp-broker-'));
  const home = homeAt(folder);
  const ports = { random: (bytes: number) => randomBytes(bytes), clock: Date.now };
  vault = await createVault(home, { source: 'key-file', bytes: randomBytes(32) }, ports.random, ports.clock);
  const chain = vault.chain();
  const first = { type: 'vault.created', chain, vault: vault.id, keySource: 'key-file' } as const;
  createLog(home, { chain, k0: vault.auditKey() }, first, ports.clock);
  log = AuditLog.open(home, ports.clock);
  await vault.set('db/url', Buffer.from(VALUE));
  broker = new Broker({ home, vault, log, ...ports });
});

afterEach(() => {
  log.close();
  vault.close();
  rmSync(folder, { recursive: true, force: true });
});

function wish(delivery: Delivery, name = 'db/url'): AccessRequest {
  return { binding: { reference: { name }, delivery }, origin: { kind: 'flags' } };
}

function request(wishes: AccessRequest[], more: Partial<RunRequest> = {}): RunRequest {
  return {
    wishes,
    command: ['deploy', `--password=${VALUE}`],
    ttlMs: 60_000,
    stragglers: 'kill',
    graceMs: 2_000,
    override: false,
    caller: { wrapper: selfIdentity(), tracking: 'full', uid: 0, host: 'h', cwd: '/', environment: new Map() },
    ...more,
  };
}

function records(): Record<string, unknown>[] {
  return [...readRecords(homeAt(folder))].map(({ record }) => record);
}

const ENV: Delivery = { kind: 'env', variable: 'DATABASE_URL' };
const FILE: Delivery = { kind: 'file', variable: 'DATABASE_FILE' };

describe('a resolved request', () => {
  it('is on record before any value is handed out, and ends once (I2, I4)', () => {
    const open = broker.resolve(request([wish(ENV), wish(FILE)]));
    expect(records().filter(({ type }) => type === 'grant.issued')).toHaveLength(2);
    expect(Buffer.from(open.environment.get('DATABASE_URL') as Uint8Array).toString()).toBe(VALUE);
    const file = open.environment.get('DATABASE_FILE') as string;
    expect(readFileSync(file, 'utf8')).toBe(VALUE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(open.end({ reason: 'exited', exitCode: 0, survivors: [] })).toBeUndefined();
    open.end({ reason: 'signalled', survivors: [] });
    expect(existsSync(path.dirname(file))).toBe(false);
    const ended = records().filter(({ type }) => type === 'grant.ended');
    expect(ended.map(({ endReason, clean }) => [endReason, clean])).toEqual([
      ['exited', true],
      ['exited', true],
    ]);
    expect(readdirSync(path.join(folder, 'run'))).toEqual([]);
    expect(vault.mark()?.seq).toBe(records().length);
  });

  it('masks its values in the command of the record and of the state file (I6)', () => {
    const open = broker.resolve(request([wish(ENV)]));
    const state = readFileSync(path.join(folder, 'run', `${open.id}.json`), 'utf8');
    expect(state).not.toContain(VALUE);
    expect(JSON.stringify(records())).not.toContain(VALUE);
    expect(records().at(-1)?.['command']).toEqual(['deploy', '--password=[hasp:db/url]']);
    open.end({ reason: 'exited', survivors: [] });
  });

  it('hands out nothing and leaves no trace when the log can not be written (I2)', () => {
    renameSync(path.join(folder, 'audit.jsonl'), path.join(folder, 'away'));
    expect(() => broker.resolve(request([wish(FILE)]))).toThrow();
    renameSync(path.join(folder, 'away'), path.join(folder, 'audit.jsonl'));
    expect(readdirSync(path.join(folder, 'run'))).toEqual([]);
    expect(records().some(({ type }) => type === 'grant.issued')).toBe(false);
  });

  it('hands out nothing when the state of the run can not be written', () => {
    writeFileSync(path.join(folder, 'run'), 'a file where the folder should be');
    expect(() => broker.resolve(request([wish(FILE)]))).toThrow(/state of the run/);
    expect(records().some(({ type }) => type === 'grant.issued')).toBe(false);
  });

  it('is denied on record where a secret is missing, and grants none of the others', () => {
    expect(() => broker.resolve(request([wish(ENV), wish(FILE, 'no/such')]))).toThrow(/no\/such/);
    const denied = records().filter(({ type }) => type === 'grant.denied');
    expect(denied.map(({ secret, rule }) => [secret, rule])).toEqual([
      ['db/url', 'secret-missing'],
      ['no/such', 'secret-missing'],
    ]);
    expect(records().some(({ type }) => type === 'grant.issued')).toBe(false);
  });

  it('is denied on record for a manifest without consent', () => {
    const untrusted: AccessRequest = { ...wish(ENV), origin: { kind: 'manifest' } };
    const projectFacts = { root: '/p', manifestHash: 'ab'.repeat(32) };
    expect(() => broker.resolve(request([untrusted], { projectFacts }))).toThrow(/no consent/);
    vault.trust('/p', 'ab'.repeat(32), ['db/url']);
    broker.resolve(request([untrusted], { projectFacts })).end({ reason: 'exited', survivors: [] });
    expect(() => broker.resolve(request([untrusted], { projectFacts: { ...projectFacts, root: '/q' } }))).toThrow(
      /no consent/,
    );
    expect(() =>
      broker.resolve(request([untrusted], { projectFacts: { ...projectFacts, manifestHash: 'cd'.repeat(32) } })),
    ).toThrow(/no consent/);
  });

  it.each([
    ['another value', 'other', false],
    ['the same value', VALUE, true],
    ['the reference itself', 'hasp://db/url', true],
  ])('with %s in the environment already, %s, is granted: %s', (_what, present, granted) => {
    const caller = { ...request([]).caller, environment: new Map([['DATABASE_URL', present]]) };
    const ask = () => broker.resolve(request([wish(ENV)], { caller }));
    if (granted) ask().end({ reason: 'exited', survivors: [] });
    else expect(ask).toThrow(/another value/);
    broker.resolve(request([wish(ENV)], { caller, override: true })).end({ reason: 'exited', survivors: [] });
  });
});

describe('a run that lost its wrapper', () => {
  const gone = { ...selfIdentity(), startTime: '1' };

  it('is ended by the next hasp, once, as wrapper-lost, with its files gone (I4)', async () => {
    const caller = { ...request([]).caller, wrapper: gone };
    const open = broker.resolve(request([wish(ENV), wish(FILE)], { caller }));
    const file = open.environment.get('DATABASE_FILE') as string;
    const both = await Promise.all([1, 2].map(() => reconcile(homeAt(folder), () => log, Date.now)));
    expect(both.flat().map(({ run }) => run)).toEqual([open.id]);
    await reconcile(homeAt(folder), () => log, Date.now);
    expect(existsSync(file)).toBe(false);
    const ended = records().filter(({ type }) => type === 'grant.ended');
    expect(ended.map(({ endReason }) => endReason)).toEqual(['wrapper-lost', 'wrapper-lost']);
  });

  it('is left alone while its wrapper lives', async () => {
    const open = broker.resolve(request([wish(ENV)]));
    expect(await reconcile(homeAt(folder), () => log, Date.now)).toEqual([]);
    open.end({ reason: 'exited', survivors: [] });
    expect(records().filter(({ type }) => type === 'grant.ended')).toHaveLength(1);
  });

  it('gets no second end where the first was recorded before the state could be removed', async () => {
    const caller = { ...request([]).caller, wrapper: gone };
    const open = broker.resolve(request([wish(ENV)], { caller }));
    const state = path.join(folder, 'run', `${open.id}.json`);
    const kept = readFileSync(state);
    open.end({ reason: 'exited', survivors: [] });
    writeFileSync(state, kept);
    await reconcile(homeAt(folder), () => log, Date.now);
    expect(records().filter(({ type }) => type === 'grant.ended')).toHaveLength(1);
    expect(existsSync(state)).toBe(false);
  });

  it('of another pid namespace is left to its ttl', async () => {
    const caller = { ...request([]).caller, wrapper: { ...gone, pidNamespace: 'pid:[1]' } };
    broker.resolve(request([wish(ENV)], { caller }));
    expect(await reconcile(homeAt(folder), () => log, Date.now)).toEqual([]);
    expect(
      await reconcile(
        homeAt(folder),
        () => log,
        () => Date.now() + 61_000,
      ),
    ).toHaveLength(1);
  });
});
