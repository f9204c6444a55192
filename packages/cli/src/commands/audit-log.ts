import { existsSync } from 'node:fs';
import { parseTime, queryRecords, type RecordFilter } from '@hasp/audit';
import { formatDuration, HaspError, parseName } from '@hasp/core';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { print, printable } from '../output.ts';
import { refuseInside } from '../session-place.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Reads only, and needs no key. Streams: a log may be long. */
export async function showLog(input: CommandInput, context: Context): Promise<Answer> {
  const { home, clock } = context;
  checkHome(home, context.uid);
  if (!existsSync(home.auditLog))
    throw new HaspError('E_VAULT_MISSING', `there is no log in ${home.root}`, 'make a vault: hasp init');
  const filter = ownFilter(filterOf(input, clock()), context);
  // Asked for one type, or for JSON, each record is a line; else a grant is one line with its end.
  const ends = input.json || filter.type !== undefined ? undefined : endsOf(home);
  for (const { record } of queryRecords(home, filter)) {
    if (input.json) print(`${JSON.stringify(record)}\n`);
    else if (record.type !== 'grant.ended' || !ends?.has(record.grant))
      print(`${line(record, ends?.get(record.grant), ends !== undefined)}\n`);
  }
  return {};
}

/** Inside a session: its own records, whatever is asked for. @throws HaspError E_AGENT_SESSION */
function ownFilter(filter: RecordFilter, context: Context): RecordFilter {
  const { inside } = context;
  if (inside === undefined) return filter;
  const session = inside.session ?? '';
  if (filter.session !== undefined && filter.session !== session) refuseInside(context, "another session's log");
  return { ...filter, session };
}

function filterOf(input: CommandInput, now: number): RecordFilter {
  const filter: Record<string, string | number> = {};
  for (const name of ['secret', 'session', 'agent', 'type', 'project'] as const) {
    const value = textOption(input, name);
    if (value !== undefined) filter[name] = name === 'secret' ? parseName(value.replace(/^hasp:\/\//, '')) : value;
  }
  for (const name of ['since', 'until'] as const) {
    const value = textOption(input, name);
    if (value !== undefined) filter[name] = parseTime(value, now);
  }
  return filter;
}

/** A grant is shown as one line: where it was issued, with its end. */
function endsOf(home: Context['home']): Map<unknown, Fields> {
  const ends = new Map<unknown, Fields>();
  for (const { record } of queryRecords(home, { type: 'grant.ended' })) ends.set(record.grant, record);
  return ends;
}

function line(record: Fields, end: Fields | undefined, folded: boolean): string {
  const subject = record.secret ?? (typeof record.root === 'string' ? record.root : record.chain) ?? '';
  const words = [
    record.time,
    record.type,
    subject,
    ...details(record),
    ...(record.type === 'grant.issued' && folded ? ending(end) : []),
    ...(record.type === 'grant.ended' || record.type === 'session.ended' ? ending(record) : []),
  ];
  return printable(
    words
      .filter((part) => part !== '' && part !== undefined)
      .map(String)
      .join('  '),
  );
}

function details(record: Fields): string[] {
  const parts: string[] = [];
  if (record.version !== undefined) parts.push(`v${String(record.version)}`);
  if (record.placeholder !== undefined) parts.push(record.placeholder === true ? 'placeholder' : 'no placeholder');
  if (record.delivery !== undefined) parts.push([record.delivery, record.variable ?? []].flat().join(' '));
  const peer = record.peer as Fields | undefined;
  if (peer !== undefined) parts.push(`to ${String(peer.command)} (${String(peer.pid)})`);
  if (Number(record.count) > 1) parts.push(`${String(record.count)} times`);
  if (record.to !== undefined) parts.push(`to ${String(record.to)}`);
  const previous = record.previous as Fields | undefined;
  if (previous !== undefined) parts.push(`after record ${String(previous.seq)} of ${String(previous.chain)}`);
  if (Array.isArray(record.secrets)) parts.push(record.secrets.join(', '));
  for (const name of [
    'agent',
    'session',
    'project',
    'target',
    'reason',
    'import',
    'file',
    'url',
    'status',
    'why',
  ] as const) {
    if (record[name] !== undefined) parts.push(`${name}=${String(record[name])}`);
  }
  if (Array.isArray(record.command)) parts.push(`[${record.command.join(' ')}]`);
  return parts;
}

function ending(end: Fields | undefined): string[] {
  if (end === undefined) return ['open'];
  const status =
    end.exitCode === undefined
      ? end.signal === undefined
        ? ''
        : ` by ${String(end.signal)}`
      : ` ${String(end.exitCode)}`;
  const survivors =
    Array.isArray(end.survivors) && end.survivors.length > 0 ? `, ${end.survivors.length} outlived it` : '';
  return [
    `${String(end.endReason)}${status} after ${formatDuration(Number(end.durationMs))}${survivors}${end.clean === false ? ', not clean' : ''}`,
  ];
}
