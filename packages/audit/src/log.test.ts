import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { homeAt } from '@hasp/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { created, rootOf, type Scratch, scratchLog, secretSet } from '../test/scratch.ts';
import { createLog } from './create.ts';
import { AuditLog } from './log.ts';
import { verifyLog } from './verify.ts';

let log: Scratch;

beforeEach(() => {
  log = scratchLog();
});
afterEach(() => log.remove());

const exists = expect.objectContaining({ code: 'E_EXISTS' });
const broken = expect.objectContaining({ code: 'E_CHAIN_BROKEN', exitStatus: 6 });

describe('a log that is put back while it is open', () => {
  it('takes no record more, and has no head, until it has another chain', () => {
    const open = AuditLog.open(log.home, Date.now);
    open.append([secretSet(1)]);
    const kept = [readFileSync(log.home.auditLog), readFileSync(log.home.auditSeal)] as const;
    const { seq } = open.append([secretSet(2)]);
    writeFileSync(log.home.auditLog, kept[0]);
    writeFileSync(log.home.auditSeal, kept[1]);
    for (let grown = 0; grown < 4; grown++) {
      expect(() => open.append([secretSet(9)])).toThrow(broken);
      expect(() => open.head()).toThrow(broken);
      log.grow(1);
    }
    expect(AuditLog.open(log.home, Date.now).head().seq).toBeGreaterThan(seq);
    const other = scratchLog(rootOf('f'.repeat(32)));
    for (const name of ['auditLog', 'auditSeal'] as const) copyFileSync(other.home[name], log.home[name]);
    other.remove();
    expect(open.append([secretSet(3)]).seq).toBe(2);
    open.close();
  });
});

describe('a new log', () => {
  it('starts with the record that names its chain', () => {
    expect(JSON.parse(log.lines()[0] as string)).toMatchObject({ v: 1, seq: 1, ...created() });
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 1 });
  });

  it('is refused where a log or a seal is, and leaves them alone', () => {
    const before = log.bytes();
    expect(() => createLog(log.home, log.root, created(), Date.now)).toThrow(exists);
    unlinkSync(log.home.auditSeal);
    expect(() => createLog(log.home, log.root, created(), Date.now)).toThrow(exists);
    expect(existsSync(log.home.auditSeal)).toBe(false);
    expect(log.bytes().equals(before)).toBe(true);
    writeFileSync(log.home.auditSeal, 'mine');
    unlinkSync(log.home.auditLog);
    expect(() => createLog(log.home, log.root, created(), Date.now)).toThrow(exists);
    expect(existsSync(log.home.auditLog)).toBe(false);
  });

  it('has files of mode 0600, whatever the umask', () => {
    for (const umask of [0, 0o022, 0o777]) {
      const before = process.umask(umask);
      const home = homeAt(path.join(log.home.root, `umask-${umask}`));
      try {
        process.umask(0);
        mkdirSync(home.root, 0o700);
        process.umask(umask);
        createLog(home, log.root, created(), Date.now);
      } finally {
        process.umask(before);
      }
      for (const file of [home.auditLog, home.auditSeal]) expect(statSync(file).mode & 0o7777).toBe(0o600);
    }
  });

  it('that can not be made leaves nothing behind', () => {
    const home = homeAt(path.join(log.home.root, 'not-there'));
    expect(() => createLog(home, log.root, created(), Date.now)).toThrow(
      expect.objectContaining({ code: 'E_AUDIT_WRITE' }),
    );
    expect(existsSync(home.root)).toBe(false);
  });

  it("must name its own chain: anything else is the caller's error", () => {
    rmSync(log.home.auditLog);
    rmSync(log.home.auditSeal);
    expect(() => createLog(log.home, log.root, created('f'.repeat(32)), Date.now)).toThrow('name its chain');
    expect(() => createLog(log.home, log.root, secretSet(1), Date.now)).toThrow('name its chain');
    expect(() => createLog(log.home, { ...log.root, k0: new Uint8Array(31) }, created(), Date.now)).toThrow('root');
    expect(existsSync(log.home.auditLog)).toBe(false);
  });
});

describe('appending', () => {
  it('gives the mark of the last record, and keeps the events of one call together', () => {
    const mark = log.append([secretSet(1), secretSet(2), secretSet(3)]);
    const last = JSON.parse(log.lines().at(-1) as string) as { mac: string };
    expect(mark).toEqual({ chain: log.root.chain, seq: 4, mac: last.mac, offset: log.bytes().length });
    expect(log.append([])).toEqual(mark);
    expect(log.lines().length).toBe(4);
  });

  it('needs no more than the sealed end: the rest of the log is not read', () => {
    log.grow(3);
    const bytes = log.bytes();
    bytes.fill(0x20, 0, bytes.length - 67);
    log.overwrite(bytes);
    expect(log.grow(1).seq).toBe(5);
    expect(log.verify(log.mark).ok).toBe(false);
  });

  it('says what the head is, and how long the log, without counting what is not sealed', () => {
    const mark = log.grow(2);
    const size = log.bytes().length;
    log.litter('torn');
    const open = AuditLog.open(log.home, Date.now);
    expect(open.head()).toEqual({ ...mark, offset: size });
    open.close();
  });

  it('refuses a broken end before it writes', () => {
    log.grow(3);
    const bytes = log.bytes();
    for (const changed of [
      bytes.subarray(0, -1),
      bytes.subarray(0, -200),
      Buffer.alloc(0),
      Buffer.from(bytes).fill('0', bytes.length - 10),
    ]) {
      log.overwrite(changed);
      expect(() => log.grow(1)).toThrow(broken);
      expect(log.bytes().equals(changed)).toBe(true);
    }
  });

  it('follows log and seal when they are replaced under way', () => {
    const open = AuditLog.open(log.home, Date.now);
    open.append([secretSet(1)]);
    for (const file of [log.home.auditLog, log.home.auditSeal]) {
      copyFileSync(file, `${file}.copy`);
      renameSync(`${file}.copy`, file);
    }
    const mark = open.append([secretSet(2)]);
    open.close();
    expect(log.verify(mark)).toMatchObject({ ok: true, records: 3 });
  });

  it('goes on from an older seal, as after a power cut', () => {
    log.grow(1);
    copyFileSync(log.home.auditSeal, `${log.home.root}/older`);
    log.grow(20);
    copyFileSync(`${log.home.root}/older`, log.home.auditSeal);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 22 });
    expect(log.grow(1).seq).toBe(23);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 23, fenced: 0 });
  });

  it('refuses an event that carries a member of the log, and a clock out of range', () => {
    const forged = { ...secretSet(1), seq: 7 };
    expect(() => log.append([forged])).toThrow('belongs to the log');
    const open = AuditLog.open(log.home, () => 8e15);
    expect(() => open.append([secretSet(1)])).toThrow('the clock');
    open.close();
  });

  it('can be opened, closed and closed again without a file', () => {
    const nowhere = AuditLog.open(homeAt(path.join(os.tmpdir(), 'hasp-audit-nowhere')), Date.now);
    expect(() => nowhere.append([secretSet(1)])).toThrow(broken);
    expect(() => nowhere.head()).toThrow(broken);
    nowhere.close();
    nowhere.close();
  });
});

describe('a file that may only be appended to', () => {
  const protect = (file: string, flag: string): boolean => spawnSync('chattr', [flag, file]).status === 0;
  const probe = scratchLog();
  const canProtect = protect(probe.home.auditLog, '+a') && protect(probe.home.auditLog, '-a');
  probe.remove();

  it.runIf(canProtect)('takes records, and the fence of a torn one', () => {
    protect(log.home.auditLog, '+a');
    try {
      log.grow(2);
      log.litter('torn');
      log.grow(2);
      expect(log.verify(log.mark)).toMatchObject({ ok: true, fenced: 1, records: 6 });
    } finally {
      protect(log.home.auditLog, '-a');
    }
  });
});

describe('verifying', () => {
  it('is E_STORAGE where the log can not be read', () => {
    rmSync(log.home.auditLog);
    mkdirSync(log.home.auditLog);
    expect(() => log.verify()).toThrow(expect.objectContaining({ code: 'E_STORAGE' }));
  });

  it('fails with the key of another vault, and with the mark of another chain', () => {
    log.grow(3);
    expect(verifyLog(log.home, rootOf(log.root.chain, 99), log.mark).problem).toMatchObject({
      code: 'altered',
      seq: 1,
    });
    expect(verifyLog(log.home, rootOf('f'.repeat(32)), log.mark).problem).toMatchObject({
      code: 'wrong-chain',
      seq: 1,
    });
    expect(log.verify({ ...log.mark, chain: 'f'.repeat(32) }).problem).toMatchObject({ code: 'rolled-back' });
  });

  it('changes no byte and makes no file', () => {
    log.grow(2);
    log.litter('torn');
    const before = log.bytes();
    log.verify(log.mark);
    expect(log.bytes().equals(before)).toBe(true);
    expect(existsSync(`${log.home.auditSeal}-journal`)).toBe(false);
  });
});
