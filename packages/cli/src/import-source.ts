import { constants, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import {
  ASSIGNMENT_FORMATS,
  type Assignment,
  type AssignmentFormat,
  HaspError,
  positionOf,
  readAssignments,
} from '@hasp/core';
import { type CommandInput, textOption, word } from './command.ts';
import type { Context } from './context.ts';
import { isTerminal } from './is-terminal.ts';
import { MAX_VALUE_BYTES, readDescriptor } from './read-all.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_COUNT = 100_000;
const STDIN = '-';
/** By such a name nothing can be deleted. */
const DESCRIPTOR = /^\/dev\/(?:fd\/|stdin$)/;
const REPLACEMENT = Buffer.from('\ufffd');

export interface ImportSource {
  /** At least one. */
  readonly assignments: readonly Assignment[];
  /** Undefined for what came by a descriptor: a pipe is nowhere now. */
  readonly file?: SourceFile;
}

export interface SourceFile {
  /** As it was typed. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

/** @throws HaspError E_USAGE, E_NAME_INVALID; where a place is told, no value is */
export function readImportSource(input: CommandInput, context: Context): ImportSource {
  const name = word(input, 'FILE');
  const { bytes, file } = name === STDIN ? readStdin(input, context) : readFile(name, context);
  const label = name === STDIN ? 'stdin' : name;
  const text = decode(bytes, label);
  bytes.fill(0);
  const prefix = textOption(input, 'prefix');
  const assignments = readAssignments(text, {
    file: label,
    format: chosenFormat(input) ?? formatOf(name, text),
    ...(prefix === undefined ? {} : { prefix }),
    maxBytes: MAX_VALUE_BYTES,
    maxCount: MAX_COUNT,
  });
  if (assignments.length === 0)
    throw new HaspError('E_USAGE', `${label} has no value: there is nothing to import`, 'each line is NAME=value');
  return { assignments, ...(file && { file }) };
}

interface Read {
  readonly bytes: Buffer;
  readonly file?: SourceFile;
}

function readStdin(input: CommandInput, context: Context): Read {
  if (isTerminal(0)) throw fromTerminal('stdin');
  if (input.passphraseFd === 0) {
    throw new HaspError(
      'E_USAGE',
      'stdin was to carry the passphrase and the values',
      'use another descriptor: --passphrase-fd 3 3< file',
    );
  }
  if (context.inherited.closedStdio.includes(0))
    throw new HaspError('E_USAGE', 'stdin is closed: there is nothing to import', 'for example: < .env');
  return { bytes: readDescriptor(0, MAX_BYTES, 'stdin') };
}

function readFile(name: string, { cwd }: Context): Read {
  const place = path.resolve(cwd, name);
  let descriptor: number;
  try {
    // A pipe that nobody writes to is empty, and not waited for.
    descriptor = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(name, (error as NodeJS.ErrnoException).code);
  }
  const status = fstatSync(descriptor);
  if (status.isDirectory()) throw unreadable(name, 'EISDIR');
  if (isTerminal(descriptor)) throw fromTerminal(name);
  const bytes = readDescriptor(descriptor, MAX_BYTES, name);
  const stays = status.isFile() && status.nlink > 0 && !DESCRIPTOR.test(place);
  return { bytes, ...(stays && { file: { name, path: place, mode: status.mode & 0o777 } }) };
}

function unreadable(name: string, code = 'unknown error'): HaspError {
  return new HaspError(
    'E_USAGE',
    `${name} could not be read (${code})`,
    'name a file that you can read, or - for stdin',
  );
}

function fromTerminal(name: string): HaspError {
  return new HaspError(
    'E_USAGE',
    `${name} is a terminal: there is nothing to import`,
    'name a file, or pipe into it; a single value: hasp secret set NAME',
  );
}

/** Strict: what would be replaced is refused, with its place. */
function decode(bytes: Buffer, label: string): string {
  const text = bytes.toString('utf8');
  const at = firstInvalid(bytes, text);
  if (at === undefined) return text;
  const isUtf16 = ['fffe', 'feff'].includes(bytes.toString('hex', 0, 2));
  const { line, column } = positionOf(text, at);
  throw new HaspError(
    'E_USAGE',
    `${label}:${line}:${column}: ${isUtf16 ? 'UTF-16, not UTF-8' : 'not valid UTF-8'}`,
    'store it as UTF-8; a value of other bytes goes in with: hasp secret set NAME --file PATH',
  );
}

/** In `text`, where the first byte was replaced. */
function firstInvalid(bytes: Buffer, text: string): number | undefined {
  let offset = 0;
  for (let at = text.indexOf('\ufffd'), from = 0; at >= 0; from = at + 1, at = text.indexOf('\ufffd', from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    if (!REPLACEMENT.equals(bytes.subarray(offset, offset + REPLACEMENT.length))) return at;
    offset += REPLACEMENT.length;
  }
  return undefined;
}

function chosenFormat(input: CommandInput): AssignmentFormat | undefined {
  const chosen = textOption(input, 'format');
  return ASSIGNMENT_FORMATS.find((format) => format === chosen);
}

function formatOf(name: string, text: string): AssignmentFormat {
  return /\.json$/i.test(name) || /^\ufeff?\s*\{/.test(text) ? 'json' : 'env';
}
