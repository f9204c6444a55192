import type { ErrorCode } from '@hasp/core';
import type { Asker } from './asker.ts';

/** What is wanted of the broker itself. */
export interface FetchWish {
  /** Without hasp://. */
  readonly secret: string;
  readonly version?: number;
  readonly reason?: string;
  /** Only where it was asked for in so many words. */
  readonly ttlMs?: number;
}

export type FetchDecision =
  | {
      readonly effect: 'allow';
      readonly rule: string;
      readonly why: string;
      /** No grant by this may last longer. */
      readonly maxTtlMs?: number;
      /** The record is one use of the rule. */
      readonly limitKey?: string;
      /** Nothing came of it: it was no use. */
      readonly giveBack?: () => void;
    }
  | { readonly effect: 'deny'; readonly rule: string; readonly why: string; readonly code: ErrorCode };

/** Decides by the rules, and counts what it allows. @param gone called for where a person is asked */
export type DecideFetch = (asker: Asker, wish: FetchWish, gone: () => AbortSignal) => Promise<FetchDecision>;
