import type { Command } from './command.ts';

/** The part of the grammar that is about the broker. */
export const BROKER_COMMANDS: readonly Command[] = [
  {
    usage: 'unlock',
    says: 'hand the key to a broker in the background, so that runs need not ask for it',
    example: 'hasp unlock --ttl 8h',
    options: { ttl: { kind: 'text', says: 'D: lock again after so long without use (default 8h)' } },
    load: async () => (await import('./commands/unlock.ts')).unlock,
  },
  {
    usage: 'lock',
    says: "take the key out of the broker's memory",
    example: 'hasp lock',
    load: async () => (await import('./commands/lock.ts')).lock,
  },
  {
    usage: 'broker start',
    says: 'serve grants to runs and agents, on a unix socket and on the loopback, until Ctrl-C',
    example: 'hasp broker start --port 0',
    options: {
      detach: { kind: 'flag', says: 'in the background' },
      port: { kind: 'text', says: 'N: of 127.0.0.1 (default 19421), 0 for any that is free' },
      'no-http': { kind: 'flag', says: 'the unix socket only' },
      'policy-file': { kind: 'text', says: 'F: the rules for agents (default policy.json in the home)' },
      'aim-url': { kind: 'text', says: 'U: the identity server that rules may ask about agents' },
      'aim-token': { kind: 'text', says: 'T: its token; better in HASP_AIM_TOKEN, for arguments are public' },
      'insecure-listen': { kind: 'text', says: 'ADDR: an address that others reach, without encryption' },
    },
    load: async () => (await import('./commands/broker-start.ts')).startBrokerHere,
  },
  {
    usage: 'broker stop',
    says: 'end the broker; live runs go on and end their own grants',
    example: 'hasp broker stop',
    load: async () => (await import('./commands/broker-stop.ts')).stopBroker,
  },
  {
    usage: 'broker status',
    says: 'what the broker is doing',
    example: 'hasp broker status --json',
    inSession: 'allowed',
    load: async () => (await import('./commands/broker-status.ts')).brokerStatus,
  },
  {
    usage: 'broker reload',
    says: 'let the broker read its policy again',
    example: 'hasp broker reload',
    load: async () => (await import('./commands/broker-reload.ts')).reloadBroker,
  },
  {
    usage: 'approve [REQUEST]',
    says: 'what agents wait for a person to allow; with a request: allow it',
    example: 'hasp approve 1f3a90c2',
    options: { deny: { kind: 'flag', says: 'say no instead' } },
    load: async () => (await import('./commands/approve.ts')).approve,
  },
];
