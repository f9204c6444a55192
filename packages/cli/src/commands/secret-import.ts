import type { Assignment, Kept } from '@hasp/core';
import { type NewValue, presentSecrets, setMany } from '@hasp/vault/many';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { counted } from '../counted.ts';
import { conflictIn, isStored, ON_CONFLICT, type Planned, planImport, someOf } from '../import-plan.ts';
import { type ImportSource, readImportSource } from '../import-source.ts';
import { isTerminal } from '../is-terminal.ts';
import { plaintextLeft, plaintextNotes } from '../plaintext-left.ts';
import { progressOn } from '../progress.ts';
import { openStores, type Stores } from '../stores.ts';
import { table } from '../table.ts';
import { SHORTEST_GUARDED } from '../value-input.ts';

const ID_BYTES = 8;

/** Read first, and asked for a key after: who mistyped need not type that. */
export async function importSecrets(input: CommandInput, context: Context): Promise<Answer> {
  const source = readImportSource(input, context);
  const names = source.assignments.map(({ name }) => name);
  const onConflict = ON_CONFLICT.find((choice) => choice === textOption(input, 'on-conflict')) ?? 'fail';
  const stores = await openStores(input, context);
  const plan = (present: Parameters<typeof planImport>[1]) => planImport(names, present, onConflict);
  if (input.options['dry-run'] === true) {
    const planned = plan(presentSecrets(stores.vault, names));
    stores.close();
    return dryRun(planned, source);
  }
  const id = Buffer.from(context.random(ID_BYTES)).toString('hex');
  const planned = await storeAll(stores, source.assignments, plan, id);
  stores.close();
  return imported(planned, source, id, context);
}

async function storeAll(
  { vault, log }: Stores,
  assignments: readonly Assignment[],
  plan: (present: Parameters<typeof planImport>[1]) => Planned[],
  id: string,
): Promise<Planned[]> {
  const values = assignments.map(({ name, value }): NewValue => ({ name, value: Buffer.from(value, 'utf8') }));
  const progress = isTerminal(2) ? progressOn('imported') : undefined;
  let planned: Planned[] = [];
  try {
    await setMany(
      vault,
      values.map(({ name }) => name),
      {
        choose: (present) => {
          planned = plan(present);
          const conflict = conflictIn(planned);
          if (conflict !== undefined) throw conflict;
          return values.filter((_, index) => isStored(planned[index] as Planned));
        },
        onStored: (count) => progress?.update(count, values.length),
        beforeCommit: (stored) => {
          const events = stored.map(({ name, version }) => ({ secret: name, version, import: id }));
          vault.writeMark(log.append(events.map((event) => ({ type: 'secret.imported', ...event }))));
        },
      },
    );
    return planned;
  } finally {
    progress?.clear();
    for (const { value } of values) value.fill(0);
  }
}

async function imported(planned: Planned[], source: ImportSource, id: string, context: Context): Promise<Answer> {
  const { file, assignments } = source;
  const stored = planned.filter(isStored);
  const skipped = planned.length - stored.length;
  const left = file && (await plaintextLeft(file, assignments.length, context));
  const warnings = valueNotes(assignments.filter((_, index) => isStored(planned[index] as Planned)));
  const said = `imported ${counted(stored.length, 'secret')}${skipped > 0 ? `, skipped ${skipped} that exist already` : ''}`;
  return {
    json: {
      imported: pairs(stored),
      skipped: pairs(planned.filter((one) => !isStored(one))),
      ...(stored.length > 0 && { import: id }),
      ...(left && { plaintext: left }),
      ...(warnings.length > 0 && { warnings }),
    },
    notes: [...warnings, said, ...(file && left ? plaintextNotes(left, file, skipped) : [])],
  };
}

function dryRun(planned: readonly Planned[], { assignments }: ImportSource): Answer {
  const problem = conflictIn(planned);
  const SAYS = { new: 'new', overwritten: 'new version', skipped: 'skipped', conflict: 'conflict' } as const;
  const warnings = valueNotes(assignments);
  const of = (...outcomes: Planned['outcome'][]) => pairs(planned.filter(({ outcome }) => outcomes.includes(outcome)));
  return {
    json: {
      dryRun: true,
      imported: of('new', 'overwritten'),
      skipped: of('skipped'),
      conflicts: of('conflict'),
      ...(warnings.length > 0 && { warnings }),
    },
    text: table(
      ['NAME', 'VERSION', ''],
      planned.map(({ name, version, outcome }) => [name, String(version), SAYS[outcome]]),
    ),
    notes: [
      ...warnings,
      `nothing was imported: without --dry-run ${counted(planned.filter(isStored).length, 'secret')} would be`,
    ],
    ...(problem && { problem }),
  };
}

const pairs = (planned: readonly Planned[]) => planned.map(({ name, version }) => ({ name, version }));

const KEPT: Readonly<Record<Kept, string>> = {
  expansion: 'kept as written, for nothing is expanded in them',
  hash: 'a # without a blank in front was taken as part of the value of',
  repeated: 'given more than once with different values, of which the last counts',
  backslash: 'kept with their backslashes, for only \\n and \\r mean another character',
};

/** What a person should know of them, by names alone. */
function valueNotes(assignments: readonly Assignment[]): string[] {
  const note = (says: string, which: (assignment: Assignment) => boolean) => {
    const names = assignments.filter(which).map(({ name }) => name);
    return names.length === 0 ? [] : [`${says}: ${someOf(names)}`];
  };
  const length = ({ value }: Assignment) => Buffer.byteLength(value);
  return [
    ...(['repeated', 'expansion', 'hash', 'backslash'] as const).flatMap((kind) =>
      note(KEPT[kind], ({ kept }) => kept.includes(kind)),
    ),
    ...note('empty values', (one) => length(one) === 0),
    ...note(
      `values of less than ${SHORTEST_GUARDED} bytes are not masked in output`,
      (one) => length(one) > 0 && length(one) < SHORTEST_GUARDED,
    ),
  ];
}
