import type { Delivery } from '../delivery.ts';
import type { NamedCommand } from './command.ts';
import type { Rule } from './rule.ts';

/** What an agent wants, as the rules see it. */
export interface Question {
  readonly agent: string;
  /** Without hasp:// and version. */
  readonly secret: string;
  /** `ask` also for what is fetched from the broker itself. */
  readonly delivery: Delivery['kind'];
  /** Absent where the value goes to no command that hasp starts. */
  readonly command?: NamedCommand;
  /** Of a trusted manifest. */
  readonly target?: string;
  /** Only where it was asked for in so many words. */
  readonly ttlMs?: number;
}

/** What is known of the world; gathered by the broker, and only looked at where a rule needs it. */
export interface RuleFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly hasTokenLeft: (rule: Rule) => boolean;
  /** How often the rule has been used before. */
  readonly uses: (rule: Rule) => number;
  /** Undefined before the identity server was asked. */
  readonly identity: AgentIdentity | undefined;
  /** The secret can do more than when its scopes were last accepted. */
  readonly scopesGrown: boolean;
}

/** What the identity server says of an agent, or why it says nothing. */
export type AgentIdentity =
  | { readonly state: 'answered'; readonly trustScore?: number; readonly capabilities: readonly string[] }
  | { readonly state: 'not-configured' | 'unreachable' | 'refused' | 'unknown-agent' };
