/**
 * A process that writes the log of the home in argv[3].
 *
 *   append HOME NAME COUNT [PIECE]   appends COUNT records, saying each version on stdout once it is on disk;
 *                                    PIECE: in writes of at most that many bytes
 *   die HOME STEP [BYTES]            appends one record, but is killed before step STEP (from 0) of reading,
 *                                    writing and syncing; of a write BYTES bytes are done before
 *   hold HOME                        appends one record, stopping in its middle until stdin ends
 */
import { readFileSync, writeSync } from 'node:fs';
import { homeAt } from '@hasp/core';
import { type Disk, realDisk } from '../../src/disk.ts';
import { AuditLog } from '../../src/log.ts';

const [, , deed, home = '', ...rest] = process.argv;

function open(disk: Disk): AuditLog {
  return AuditLog.open(homeAt(home), Date.now, disk);
}

if (deed === 'append') {
  const [secret = '', count, piece] = rest;
  const disk: Disk = {
    ...realDisk,
    write: (fd, from, at, length, position) =>
      realDisk.write(fd, from, at, Math.min(length, Number(piece ?? length)), position),
  };
  const log = open(disk);
  for (let version = 1; version <= Number(count); version++) {
    log.append([{ type: 'secret.set', secret, version }]);
    writeSync(1, `${version}\n`);
  }
  log.close();
} else if (deed === 'die') {
  const [step, bytes] = rest;
  let steps = 0;
  const isFatal = (): boolean => steps++ === Number(step);
  const die = (): number => Number(process.kill(process.pid, 'SIGKILL'));
  open({
    read: (...args) => (isFatal() ? die() : realDisk.read(...args)),
    write(fd, from, at, length, position) {
      if (!isFatal()) return realDisk.write(fd, from, at, length, position);
      realDisk.write(fd, from, at, Math.min(length, Number(bytes ?? 0)), position);
      return die();
    },
    datasync: (fd) => void (isFatal() ? die() : realDisk.datasync(fd)),
  }).append([{ type: 'secret.set', secret: 'written/before/death', version: 1 }]);
} else if (deed === 'hold') {
  let held = false;
  const log = open({
    ...realDisk,
    datasync(fd) {
      if (!held) {
        held = true;
        writeSync(1, 'held\n');
        readFileSync(0);
      }
      realDisk.datasync(fd);
    },
  });
  log.append([{ type: 'secret.set', secret: 'held', version: 1 }]);
  log.close();
}
