import { HaspError, type ProcessIdentity, SecretValue, type Survivor } from '@hasp/core';
import { type Matcher, makeAnsiRedactor, makeMatcher, type NamedValue, type Redactor, wipeMatcher } from '@hasp/match';
import type { RunOutcome } from '../ended-event.ts';
import type { GrantedRun } from '../granted-run.ts';
import { RecordTexts } from '../record-texts.ts';
import type { Link } from './link.ts';

/** What the broker answers to a run that it grants; the values follow as bytes, in this order. */
export interface RunAnswer {
  readonly run: string;
  readonly expiresAt: number;
  readonly values: readonly { readonly name: string; readonly length: number; readonly placeholder: boolean }[];
  /** Variables that hold a value, by its place in `values`. */
  readonly env: readonly (readonly [string, number])[];
  /** Variables that hold the path of a delivered file. */
  readonly paths: readonly (readonly [string, string])[];
  readonly stdin?: number;
  readonly socket?: string;
}

/** What a wrapper does by itself where its broker is gone. */
export interface WithoutBroker {
  /** Records the end of the run. */
  end(run: string, outcome: RunOutcome): Promise<HaspError | undefined>;
  /** Records the end of what was to be fetched, which nobody serves any more. */
  endAsked(run: string): Promise<void>;
}

const NOTHING = new Uint8Array(0);

interface RemoteValue {
  readonly name: string;
  readonly value: SecretValue;
  readonly placeholder: boolean;
}

/** A run whose grants a broker keeps. */
export class RemoteRun implements GrantedRun {
  readonly id: string;
  readonly expiresAt: number;
  readonly environment: ReadonlyMap<string, string | Uint8Array>;
  readonly stdin: Uint8Array | undefined;
  readonly isAsked: boolean;
  readonly #link: Link;
  readonly #values: readonly RemoteValue[];
  readonly #socket: string;
  readonly #alone: WithoutBroker;
  readonly #texts: RecordTexts;
  #matcher: Matcher | undefined;
  #askedEnded: Promise<void> | undefined;
  #isWiped = false;

  /** Takes over the bytes. */
  constructor(link: Link, answer: RunAnswer, bytes: Buffer, alone: WithoutBroker) {
    let at = 0;
    this.#values = answer.values.map(({ name, length, placeholder }) => {
      at += length;
      return { name, value: new SecretValue(bytes.subarray(at - length, at)), placeholder };
    });
    const valueAt = (index: number): Uint8Array => this.#values[index]?.value.reveal() ?? NOTHING;
    this.id = answer.run;
    this.expiresAt = answer.expiresAt;
    this.environment = new Map<string, string | Uint8Array>([
      ...answer.env.map(([name, index]) => [name, valueAt(index)] as const),
      ...answer.paths,
    ]);
    this.stdin = answer.stdin === undefined ? undefined : valueAt(answer.stdin);
    this.isAsked = answer.socket !== undefined;
    this.#socket = answer.socket ?? '';
    this.#link = link;
    this.#alone = alone;
    if (this.isAsked) link.onLost = () => this.#endAsked();
    this.#texts = new RecordTexts(named(this.#values));
  }

  async serve(): Promise<string> {
    return this.#socket;
  }

  redactor(): Redactor {
    this.#matcher ??= makeMatcher(named(this.#values.filter(({ placeholder }) => !placeholder)));
    return makeAnsiRedactor(this.#matcher, () => this.#isWiped);
  }

  note(tree: { root?: ProcessIdentity; members: readonly ProcessIdentity[] }): void {
    this.#link.send({ note: tree });
  }

  withdraw(): void {
    this.#link.send({ withdraw: true });
  }

  async end(outcome: RunOutcome): Promise<HaspError | undefined> {
    this.#link.onLost = () => {};
    try {
      await this.#link.ask({ end: outcome });
      return undefined;
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
      if (error.code !== 'E_BROKER_UNREACHABLE') return error;
      await this.#askedEnded;
      return this.#alone.end(this.id, outcome);
    } finally {
      this.#link.close();
    }
  }

  /** Where it can't be recorded now, it is when the run ends. */
  #endAsked(): void {
    this.#askedEnded = this.#alone.endAsked(this.id).catch(() => {});
  }

  masked(survivors: readonly Survivor[]): Survivor[] {
    return survivors.map((survivor) => ({ ...survivor, command: this.#texts.text(survivor.command) }));
  }

  wipe(): void {
    this.#isWiped = true;
    if (this.#matcher) wipeMatcher(this.#matcher);
    this.#texts.wipe();
    for (const { value } of this.#values) value.wipe();
  }
}

function named(values: readonly RemoteValue[]): NamedValue[] {
  return values.map(({ name, value }) => ({ name, bytes: value.reveal() }));
}
