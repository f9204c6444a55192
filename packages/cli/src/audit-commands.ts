import type { Command } from './command.ts';

/** The part of the grammar that is about the log. */
export const AUDIT_COMMANDS: readonly Command[] = [
  {
    usage: 'audit verify',
    says: 'prove that no record was edited, dropped, reordered, forged or cut off',
    example: 'hasp audit verify --checkpoint 2026-11-21.checkpoint',
    options: { checkpoint: { kind: 'text', says: 'FILE: prove too that the log goes on from this checkpoint' } },
    inSession: 'allowed',
    load: async () => (await import('./commands/audit-verify.ts')).verifyAudit,
  },
  {
    usage: 'audit checkpoint',
    says: 'sign where the log ends: keep it elsewhere, and nobody can put this home back unseen',
    example: 'hasp audit checkpoint --out 2026-11-21.checkpoint',
    options: {
      out: { kind: 'text', says: 'FILE: write it there; an earlier checkpoint is replaced' },
      'public-key': { kind: 'flag', says: 'only the public key, in PEM: with it anyone can check a copy' },
    },
    load: async () => (await import('./commands/audit-checkpoint.ts')).makeCheckpoint,
  },
  {
    usage: 'audit export',
    says: 'the records as they stand, with their MACs, and what verifies of them, one JSON document a line',
    example: 'hasp audit export --since 2026-11-01 --until 2026-11-30',
    options: {
      since: { kind: 'text', says: 'TIME: from this time on, as of audit log' },
      until: { kind: 'text', says: 'TIME: up to this time' },
    },
    load: async () => (await import('./commands/audit-export.ts')).exportAudit,
  },
  {
    usage: 'audit recover',
    says: 'make a lost seal anew; put a broken log aside, and begin a new chain, which a person has to confirm',
    example: 'hasp audit recover',
    load: async () => (await import('./commands/audit-recover.ts')).recoverAudit,
  },
  {
    usage: 'audit log',
    says: 'who was granted what, when, for how long, and how it ended',
    example: 'hasp audit log --secret db/url --since 14:00 --until 16:00',
    options: {
      secret: { kind: 'text', says: 'NAME: records of this secret' },
      session: { kind: 'text', says: 'ID: records of this session' },
      agent: { kind: 'text', says: 'NAME: records of this agent' },
      type: { kind: 'text', says: 'TYPE: records of this type, such as grant.issued' },
      project: { kind: 'text', says: 'NAME: records of this project' },
      since: { kind: 'text', says: 'TIME: 14:00, 2h ago, 2026-11-21T14:00:00Z' },
      until: { kind: 'text', says: 'TIME: before this time' },
    },
    inSession: 'own',
    load: async () => (await import('./commands/audit-log.ts')).showLog,
  },
];
