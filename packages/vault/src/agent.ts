import { pad, unpad } from './encoding.ts';
import { corrupt } from './failures.ts';

/** What is kept of an agent and its token; times are RFC 3339 in UTC with milliseconds. */
export interface Agent {
  readonly name: string;
  /** Names the token in records and limits: 16 hex digits, another one with each token. */
  readonly tokenId: string;
  readonly createdAt: string;
  /** When its present token was made, if that is not the first. */
  readonly rotatedAt?: string;
  readonly expiresAt?: string;
  /** To within ten minutes. */
  readonly lastUsedAt?: string;
}

/** With what the token is known by: its SHA-256, hex. */
export interface StoredAgent extends Agent {
  readonly tokenHash: string;
}

/** JSON, padded to a multiple of 64 bytes. */
export function encodeAgent(agent: StoredAgent): Buffer {
  const { name, tokenId, tokenHash, createdAt, rotatedAt, expiresAt, lastUsedAt } = agent;
  const text = JSON.stringify({ name, tokenId, tokenHash, createdAt, rotatedAt, expiresAt, lastUsedAt });
  return pad(Buffer.from(text, 'utf8'));
}

/** @throws HaspError E_VAULT_CORRUPT */
export function decodeAgent(text: Buffer): StoredAgent {
  const bytes = unpad(text);
  if (!bytes) throw corrupt('an agent has a wrong length');
  return JSON.parse(bytes.toString('utf8')) as StoredAgent;
}

export function withoutHash({ tokenHash: _, ...agent }: StoredAgent): Agent {
  return agent;
}
