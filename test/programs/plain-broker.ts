// The broker's HTTP server over an open vault, without a log and without rules: what the load bench measures
// against. Arguments: the home, its key file. Prints its port.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { AuditLog } from '@hasp/audit';
import { homeAt } from '@hasp/core';
import { openVaultWithKeyFile } from '@hasp/vault';
import { BrokerApi } from '../../packages/broker/src/http/api.ts';
import { ownHosts } from '../../packages/broker/src/http/origin.ts';

const [root = '', keyFile = ''] = process.argv.slice(2);
const home = homeAt(root);
const vault = openVaultWithKeyFile(home, { source: 'key-file', bytes: readFileSync(keyFile) });
const mark = { chain: '', seq: 0, mac: '', offset: 0 };
const append = (_events: unknown, onDisk?: () => void) => {
  onDisk?.();
  return mark;
};
const log = { append, head: () => mark } as unknown as AuditLog;
const api = new BrokerApi({
  home,
  log,
  clock: Date.now,
  random: (bytes) => randomBytes(bytes),
  uid: process.getuid?.() ?? 0,
  host: 'bench',
  ownerToken: 'none',
  sessions: { any: false, of: () => undefined, list: () => [], end: async () => false },
  decide: async () => ({ effect: 'allow', rule: 'all', why: 'all' }),
  mostConnections: 512,
  status: () => {
    throw new Error('nobody asks');
  },
  mark: () => {},
  counted: () => {},
  vault: () => vault,
  peekVault: () => vault,
});
let hosts: ReadonlySet<string> = new Set();
const server = api.server('tcp', () => hosts);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  hosts = ownHosts(port);
  process.stdout.write(`${port}\n`);
});
