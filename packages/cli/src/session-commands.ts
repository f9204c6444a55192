import type { Command } from './command.ts';

/** The part of the grammar that is about agent sessions. */
export const SESSION_COMMANDS: readonly Command[] = [
  {
    usage: 'session start [options] -- COMMAND [ARG...]',
    says: 'start an agent: what it begins gets only what the rules allow, and ends with it',
    example: 'hasp session start --agent claude -- claude',
    options: {
      agent: { kind: 'text', says: 'NAME: of the agent, in rules and records (default: the command’s name)' },
      ttl: { kind: 'text', says: 'D: end the session after so long, such as 8h' },
    },
    inSession: 'own',
    hardensItself: true,
    load: async () => (await import('./commands/session-start.ts')).startSession,
  },
  {
    usage: 'session list',
    says: 'the live sessions',
    example: 'hasp session list --json',
    inSession: 'own',
    load: async () => (await import('./commands/session-list.ts')).showSessions,
  },
  {
    usage: 'session show ID',
    says: 'one session, with its processes and what they are granted',
    example: 'hasp session show 17b2561e5cacacac',
    inSession: 'own',
    load: async () => (await import('./commands/session-show.ts')).showSession,
  },
  {
    usage: 'session end ID',
    says: 'end a session now: its processes end, and with them their grants',
    example: 'hasp session end 17b2561e5cacacac',
    inSession: 'own',
    load: async () => (await import('./commands/session-end.ts')).endSessionNow,
  },
];
