import {
  type Delivery,
  deliveryFields,
  endGrant,
  HaspError,
  type IssuedGrant,
  type ProcessIdentity,
  type Scope,
  type Survivor,
} from '@hasp/core';
import type { Redactor } from '@hasp/match';
import { judgePeer, type PeerVerdict } from '@hasp/process-tree';
import type { AskServer } from './ask-server.ts';
import { AskedGrants } from './asked-grants.ts';
import { openAskServer } from './asking.ts';
import type { BrokerParts } from './broker.ts';
import type { Allowed } from './decision.ts';
import { chooseDeliveryFolder, deliverFile, makeDeliveryFolder, removeDeliveredFiles } from './deliver/file.ts';
import { socketIn } from './deliver/socket.ts';
import { endedEvent, type RunOutcome } from './ended-event.ts';
import type { GrantedRun } from './granted-run.ts';
import { type GrantedValue, Redaction } from './redaction.ts';
import { dropRevocation } from './revocation.ts';
import { discard, type RunState, runFile, writeRunFile } from './run-file.ts';
import type { RunRequest } from './run-request.ts';

export interface Granted extends Allowed {
  readonly grant: IssuedGrant;
}

interface Beginning {
  readonly run: string;
  /** argv as it may be written down. */
  readonly command: readonly string[];
  /** Project, target and reason, as they may be written down. */
  readonly labels: Pick<RunState, 'project' | 'target' | 'reason'>;
  readonly request: RunRequest;
  readonly granted: readonly Granted[];
  /** Values of this run masked. */
  readonly mask: (text: string) => string;
  readonly startedAt: number;
  readonly expiresAt: number;
}

/** A run with open grants: from the moment before they are recorded to the record of their end. */
export class OpenRun implements GrantedRun {
  readonly id: string;
  /** Milliseconds since 1970: the tree is ended then at the latest. */
  readonly expiresAt: number;
  readonly #parts: BrokerParts;
  readonly #beginning: Beginning;
  readonly #environment = new Map<string, string | Uint8Array>();
  readonly #asked: AskedGrants;
  #asks: AskServer | undefined;
  #stdin: Uint8Array | undefined;
  #redaction: Redaction | undefined;
  #ended = false;
  #state: RunState;
  #rooted: () => void = () => {};
  /** The command is known, so that who asks can be judged. */
  readonly #hasRoot = new Promise<void>((resolve) => {
    this.#rooted = resolve;
  });

  private constructor(parts: BrokerParts, beginning: Beginning, state: RunState) {
    this.#parts = parts;
    this.#beginning = beginning;
    this.#state = state;
    this.id = beginning.run;
    this.expiresAt = beginning.expiresAt;
    const asked = beginning.granted.filter(({ binding }) => binding.delivery.kind === 'ask');
    const fetched = parts.reopened?.asked(asked) ?? asked;
    this.#asked = new AskedGrants(beginning.run, fetched, parts.log, parts.clock, beginning.mask);
  }

  /** Writes the run's state, so that a killed wrapper's grants can be ended. @throws HaspError E_STORAGE */
  static begin(parts: BrokerParts, beginning: Beginning): OpenRun {
    const { run, request, granted } = beginning;
    const variables = granted.flatMap(({ binding: { delivery } }) =>
      delivery.kind === 'file' ? [delivery.variable] : [],
    );
    const isAsked = granted.some(({ binding }) => binding.delivery.kind === 'ask');
    const folder = variables.length > 0 || isAsked ? chooseDeliveryFolder(run, parts.home.runs) : undefined;
    const open = new OpenRun(parts, beginning, {
      version: 1,
      run,
      wrapper: request.caller.wrapper,
      members: [],
      grants: granted.map(({ grant: { id, secret, version, delivery } }) => ({
        id,
        secret,
        version,
        ...deliveryFields(delivery),
        scope: scopeOf(delivery, request),
      })),
      ...(folder === undefined ? {} : { folder }),
      files: variables.map((variable) => `${folder}/${variable}`),
      command: beginning.command,
      stragglers: request.stragglers,
      graceMs: request.graceMs,
      ...beginning.labels,
      ...agentLabels(request),
      startedAt: beginning.startedAt,
      expiresAt: beginning.expiresAt,
      logOffset: parts.log.head().offset,
    });
    try {
      writeRunFile(parts.home, open.#state, true);
      if (folder !== undefined) makeDeliveryFolder(folder);
      if (isAsked) socketIn(folder ?? '');
    } catch (error) {
      open.abandon();
      throw error;
    }
    return open;
  }

  /** Puts each value where the child will find it. Only after the grants are on record. */
  deliver(): void {
    for (const { binding, value } of this.#beginning.granted) {
      const { delivery } = binding;
      if (delivery.kind === 'ask') continue;
      if (delivery.kind === 'stdin') this.#stdin = value.reveal();
      else if (delivery.kind === 'env') this.#environment.set(delivery.variable, value.reveal());
      else this.#environment.set(delivery.variable, deliverFile(this.#state.folder ?? '', delivery.variable, value));
    }
  }

  /** Between TERM and KILL. */
  get graceMs(): number {
    return this.#state.graceMs;
  }

  /** The granted variables: values as bytes, file deliveries as paths. */
  get environment(): ReadonlyMap<string, string | Uint8Array> {
    return this.#environment;
  }

  get stdin(): Uint8Array | undefined {
    return this.#stdin;
  }

  /** Whether something is granted that is fetched: then `serve` before the spawn. */
  get isAsked(): boolean {
    return this.#asked.any;
  }

  /**
   * Opens the socket through which members of the tree fetch; the child's HASP_SOCKET.
   * @param descriptors how many this process may have open
   * @throws HaspError E_STORAGE
   */
  async serve(descriptors: number): Promise<string> {
    const socket = socketIn(this.#state.folder ?? '');
    this.#asks = await openAskServer({
      path: socket,
      descriptors,
      ready: this.#hasRoot,
      judge: (fd) => this.#judge(fd),
      fetch: (wanted, peer) => this.#asked.fetch(wanted, peer),
    });
    return socket;
  }

  /** For one stream of the child; until `wipe`. @throws HaspError as `Redaction.redactor` */
  redactor(): Redactor {
    const { vault, engine } = this.#parts;
    this.#redaction ??= new Redaction(vault, engine, grantedValues(this.#beginning.granted));
    return this.#redaction.redactor();
  }

  wipe(): void {
    this.#redaction?.wipe();
    for (const { value } of this.#beginning.granted) value.wipe();
  }

  /** Keeps the state on disk equal to what is known of the tree. A full disk does not end the run. */
  note(tree: { root?: ProcessIdentity; members: readonly ProcessIdentity[] }): void {
    this.#state = { ...this.#state, ...tree };
    if (tree.root !== undefined) this.#rooted();
    try {
      writeRunFile(this.#parts.home, this.#state, false);
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
    }
  }

  /** What was granted, in the order of the wishes: for a wrapper elsewhere, which masks its own output. */
  granted(): readonly GrantedValue[] {
    return grantedValues(this.#beginning.granted);
  }

  /** Takes back at once what can be taken back: nothing is fetched any more, and delivered files go. */
  withdraw(): void {
    this.#rooted();
    this.#asked.end();
    this.#asks?.close();
    this.#removeFiles();
  }

  /** The grants were never recorded: leaves no trace. */
  abandon(): void {
    this.#removeFiles();
    discard(runFile(this.#parts.home, this.id));
    this.wipe();
  }

  /**
   * Once: removes what was delivered and records the end of every grant, then moves the vault's mark.
   * Returns a problem to tell, if the end could not be recorded: the run's state then stays, and
   * the next hasp records it.
   * @param later does what need not be waited for: the vault's mark
   */
  end(outcome: RunOutcome, later?: (deed: () => void) => void): HaspError | undefined {
    if (this.#ended) return undefined;
    this.#ended = true;
    this.#rooted();
    this.#asked.end();
    this.#asks?.close();
    const filesGone = this.#removeFiles();
    const endedAt = this.#parts.clock();
    const clean = filesGone && outcome.survivors.length === 0;
    const shown = { ...outcome, survivors: this.masked(outcome.survivors) };
    const events = this.#beginning.granted.map(({ grant }) => {
      const ended = endGrant(grant, outcome.reason, endedAt);
      return endedEvent(this.id, ended.id, ended.secret, shown, clean, endedAt - grant.issuedAt);
    });
    const mark = attempt(() => this.#parts.log.append(events));
    if (mark instanceof HaspError) return mark;
    dropRevocation(this.#parts.home, this.id);
    discard(runFile(this.#parts.home, this.id));
    // A broker may have been locked meanwhile: then the next hasp that has the key notes it.
    if (!this.#parts.vault.isOpen) return undefined;
    if (later !== undefined) {
      later(() => attempt(() => this.#parts.vault.isOpen && this.#parts.vault.writeMark(mark)));
      return undefined;
    }
    const moved = attempt(() => this.#parts.vault.writeMark(mark));
    if (!(moved instanceof HaspError)) return undefined;
    return new HaspError(
      moved.code,
      `the end of the run is on record, but the vault could not note it: ${moved.message}`,
    );
  }

  #judge(fd: number): PeerVerdict {
    const { wrapper, root } = this.#state;
    // Before the command there is no tree, and nobody belongs to it.
    if (root === undefined) return { kind: 'outsider' };
    return judgePeer(fd, { wrapper, root, scope: this.#beginning.request.scope ?? 'tree' });
  }

  /** Names of processes can hold values of this run. Not after `wipe`. */
  masked(survivors: readonly Survivor[]): Survivor[] {
    return survivors.map((survivor) => ({ ...survivor, command: this.#beginning.mask(survivor.command) }));
  }

  #removeFiles(): boolean {
    const { folder, files } = this.#state;
    return folder === undefined || removeDeliveredFiles(folder, files);
  }
}

function attempt<T>(deed: () => T): T | HaspError {
  try {
    return deed();
  } catch (error) {
    if (error instanceof HaspError) return error;
    throw error;
  }
}

function agentLabels({ agent }: RunRequest): Pick<RunState, 'agent' | 'session'> {
  if (agent === undefined) return {};
  return { agent: agent.name, ...(agent.session === undefined ? {} : { session: agent.session }) };
}

/** What is handed over goes to the whole tree, whatever was wished: only a fetch can be refused. */
export function scopeOf(delivery: Delivery, { scope }: RunRequest): Scope {
  return delivery.kind === 'ask' ? (scope ?? 'tree') : 'tree';
}

function grantedValues(granted: readonly Allowed[]): GrantedValue[] {
  return granted.map(({ binding, version, value, placeholder, state }) => ({
    name: binding.reference.name,
    version,
    bytes: value.reveal(),
    placeholder,
    state,
  }));
}
