import type { Command } from './command.ts';

const VALUE_FILE = { file: { kind: 'text', says: 'PATH: take the value from this file, every byte of it' } } as const;

/** The whole grammar but for `run`, which has a page of its own (run-grammar.ts). */
export const COMMANDS: readonly Command[] = [
  {
    usage: 'init',
    says: 'make the vault and its log; asks for a passphrase twice, or makes a key file',
    example: 'hasp init --key-file',
    load: async () => (await import('./commands/init.ts')).init,
  },
  {
    usage: 'secret set NAME',
    says: 'store a value: from a hidden prompt, from stdin when it is no terminal, or from a file',
    example: "printf %s 'postgres://…' | hasp secret set db/url",
    options: VALUE_FILE,
    load: async () => (await import('./commands/secret-set.ts')).setSecret,
  },
  {
    usage: 'secret list',
    says: 'names, versions and times; never a value',
    example: 'hasp secret list --json',
    load: async () => (await import('./commands/secret-list.ts')).listSecrets,
  },
  {
    usage: 'secret show NAME',
    says: 'what is known of one secret, but for its value',
    example: 'hasp secret show db/url',
    load: async () => (await import('./commands/secret-show.ts')).showSecret,
  },
  {
    usage: 'secret history NAME',
    says: 'the versions that are kept, newest first',
    example: 'hasp secret history db/url',
    load: async () => (await import('./commands/secret-history.ts')).showHistory,
  },
  {
    usage: 'secret rm NAME',
    says: 'remove a secret, or one version of it (NAME@N), from every byte of the vault',
    example: 'hasp secret rm db/url@1',
    load: async () => (await import('./commands/secret-rm.ts')).removeSecret,
  },
  {
    usage: 'secret rename NAME TO',
    says: 'give a secret another name; its versions go with it',
    example: 'hasp secret rename db/url db/primary',
    load: async () => (await import('./commands/secret-rename.ts')).renameSecret,
  },
  {
    usage: 'secret rotate NAME',
    says: 'store a new value of a secret that exists, and end its live grants',
    example: 'openssl rand -base64 32 | hasp secret rotate api/key --forget',
    options: { ...VALUE_FILE, forget: { kind: 'flag', says: 'destroy the earlier versions' } },
    load: async () => (await import('./commands/secret-rotate.ts')).rotateSecret,
  },
  {
    usage: 'secret reveal NAME',
    says: 'show a value: to a person at a terminal only',
    example: 'hasp secret reveal db/url',
    load: async () => (await import('./commands/secret-reveal.ts')).revealSecret,
  },
  {
    usage: 'project init',
    says: 'write a hasp.json that names nothing yet',
    example: 'hasp project init',
    load: async () => (await import('./commands/project-init.ts')).initProject,
  },
  {
    usage: 'project show',
    says: 'the manifest of this repository, and whether this machine consents to it',
    example: 'hasp project show --json',
    load: async () => (await import('./commands/project-show.ts')).showProject,
  },
  {
    usage: 'project trust',
    says: 'consent to the manifest as it is now, here',
    example: 'hasp project trust',
    load: async () => (await import('./commands/project-trust.ts')).trustProject,
  },
  {
    usage: 'project untrust',
    says: 'withdraw the consent',
    example: 'hasp project untrust',
    load: async () => (await import('./commands/project-untrust.ts')).untrustProject,
  },
  {
    usage: 'get NAME',
    says: 'inside a run that was started with --ask: the value, exactly',
    example: 'hasp run --ask db/url -- sh -c \'psql "$(hasp get db/url)"\'',
    load: async () => (await import('./commands/get.ts')).get,
  },
  {
    usage: 'redact',
    says: 'copy stdin to stdout, with every value of the vault masked',
    example: 'make deploy 2>&1 | hasp redact',
    load: async () => (await import('./commands/redact.ts')).redact,
  },
  {
    usage: 'grants',
    says: 'live grants, each with its process tree',
    example: 'hasp grants --watch',
    options: {
      all: { kind: 'flag', says: 'the ended ones of the log too' },
      watch: { kind: 'flag', says: 'draw again each second' },
    },
    load: async () => (await import('./commands/grants.ts')).showGrants,
  },
  {
    usage: 'revoke [GRANT]',
    says: 'end a grant, or a run with all its grants, now; the processes that hold it end',
    example: 'hasp revoke --all',
    options: { all: { kind: 'flag', says: 'every live grant' } },
    load: async () => (await import('./commands/revoke.ts')).revoke,
  },
  {
    usage: 'audit verify',
    says: 'prove that no record was edited, dropped, reordered, forged or cut off',
    example: 'hasp audit verify --json',
    load: async () => (await import('./commands/audit-verify.ts')).verifyAudit,
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
    load: async () => (await import('./commands/audit-log.ts')).showLog,
  },
  {
    usage: 'hook pre-commit',
    says: 'started by git: stop a commit that would contain a managed value',
    example: 'hasp hook pre-commit',
    load: async () => (await import('./commands/hook-pre-commit.ts')).guardCommit,
  },
  {
    usage: 'hook commit-msg FILE',
    says: 'started by git: stop a commit whose message contains a managed value',
    example: 'hasp hook commit-msg .git/COMMIT_EDITMSG',
    load: async () => (await import('./commands/hook-commit-msg.ts')).guardMessage,
  },
  {
    usage: 'hook pre-push REMOTE URL',
    says: 'started by git: stop a push that would send a managed value',
    example: 'hasp hook pre-push origin https://example.com/repository.git',
    load: async () => (await import('./commands/hook-pre-push.ts')).guardPush,
  },
  {
    usage: 'scan [PATH...]',
    says: 'look for managed values in files, below folders, or in what comes on stdin',
    example: 'hasp scan . --json',
    options: {
      all: { kind: 'flag', says: 'also what git ignores, and .git' },
      stdin: { kind: 'flag', says: 'what comes on stdin, and no file' },
    },
    load: async () => (await import('./commands/scan.ts')).scan,
  },
  {
    usage: 'doctor',
    says: 'check the home, the vault, the log, tracking and what was kept away from hasp',
    example: 'hasp doctor --json',
    options: { fix: { kind: 'flag', says: 'make modes private again' } },
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    usage: 'completion SHELL',
    says: 'a completion script for bash, zsh or fish',
    example: 'source <(hasp completion bash)',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    usage: 'version',
    says: 'the version of hasp',
    example: 'hasp version',
    load: async () => (await import('./commands/version.ts')).version,
  },
];
