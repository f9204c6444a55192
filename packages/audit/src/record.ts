/**
 * The bytes of one record, a line of audit.jsonl:
 *
 *   {"v":1,"seq":N,"time":"2026-11-21T14:03:07.123Z","type":"grant.issued",…,"mac":"<64 hex digits>"}\n
 *
 * These members stand in this order without spaces; `mac` is the last, so that the end has a fixed
 * length. Nothing needs to parse JSON to verify it.
 */
import { type AuditEvent, HaspError } from '@hasp/core';
import { LINK_BYTES, MAC_END, MAC_HEX, macOf } from './chain.ts';

/** The longest record, newline included. */
export const MAX_RECORD = 65_536;
/** The longest input of a MAC: the link and a record without its end. */
export const MAX_SLICE = LINK_BYTES + MAX_RECORD;

const HEAD = '{"v":1,"seq":';
const MAC_NAME = ',"mac":"';
export const TIME_LENGTH = 24;
/** `,"mac":"`, 64 digits, `"}` and the newline. */
export const TAIL_BYTES = MAC_NAME.length + LINK_BYTES;
/** From the comma after seq to the first letter of the type. */
const TYPE_AFTER_SEQ = ',"time":"'.length + TIME_LENGTH + '","type":"'.length;
export const RECOVERED = 'audit.recovered';
const MAX_SEQ_DIGITS = 16;

const HEAD_BYTES = Buffer.from(HEAD, 'latin1');
const NAME_BYTES = Buffer.from(MAC_NAME, 'latin1');
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
/**
 * What JSON.stringify leaves as it is, and `tail -f` should not show: DEL and C1 controls can drive a
 * terminal, U+2028 and U+2029 break lines, the rest changes the direction in which text is shown.
 */
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The record as bytes, newline included, and its MAC. @throws HaspError E_AUDIT_WRITE if it is longer than MAX_RECORD */
export function encodeRecord(
  event: AuditEvent,
  place: { seq: number; time: number; previousMac: string; key: Uint8Array },
): { bytes: Buffer; mac: string } {
  const time = new Date(place.time).toISOString();
  if (time.length !== TIME_LENGTH) throw new Error('the clock is outside the years 0 to 9999');
  const { type, ...fields } = event;
  if ('v' in fields || 'seq' in fields || 'time' in fields || 'mac' in fields) {
    throw new Error('an event carries a member that belongs to the log');
  }
  const json = JSON.stringify({ v: 1, seq: place.seq, time, type, ...fields }).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const body = json.slice(0, -1);
  const slice = Buffer.from(place.previousMac + MAC_END + body, 'utf8');
  const length = slice.length - LINK_BYTES + TAIL_BYTES;
  if (length > MAX_RECORD) {
    throw new HaspError('E_AUDIT_WRITE', 'an audit record would be too long', 'shorten the command line or the reason');
  }
  const mac = macOf(place.key, slice);
  const tail = Buffer.from(MAC_NAME + mac + MAC_END, 'latin1');
  return { bytes: Buffer.concat([slice.subarray(LINK_BYTES), tail], length), mac };
}

/** The sequence number that the line at `from` claims, or -1 if it does not start like a record of version 1. */
export function claimedSeq(bytes: Buffer, from: number): number {
  for (let i = 0; i < HEAD_BYTES.length; i++) {
    if (bytes[from + i] !== HEAD_BYTES[i]) return -1;
  }
  let at = from + HEAD_BYTES.length;
  let seq = 0;
  const limit = at + MAX_SEQ_DIGITS;
  for (; at < limit; at++) {
    const digit = (bytes[at] as number) - DIGIT_0;
    if (!(digit >= 0 && digit <= 9)) break;
    seq = seq * 10 + digit;
  }
  return seq > 0 && bytes[at] === COMMA && bytes[from + HEAD_BYTES.length] !== DIGIT_0 ? seq : -1;
}

/** Whether the line that ends at the newline `lineEnd` ends like a record: `,"mac":"`, 64 bytes, `"}`. */
export function hasTail(bytes: Buffer, from: number, lineEnd: number): boolean {
  const at = lineEnd + 1 - TAIL_BYTES;
  if (at <= from + HEAD_BYTES.length || lineEnd >= from + MAX_RECORD) return false;
  for (let i = 0; i < NAME_BYTES.length; i++) {
    if (bytes[at + i] !== NAME_BYTES[i]) return false;
  }
  return bytes[lineEnd - 2] === 0x22 && bytes[lineEnd - 1] === 0x7d;
}

/** The stored MAC of the line that ends at the newline `lineEnd`. */
export function storedMac(bytes: Buffer, lineEnd: number): string {
  return bytes.toString('latin1', lineEnd - 2 - MAC_HEX, lineEnd - 2);
}

/** Where the text before `audit.recovered` ends, counted from the start of the record of that number. */
export function typeAt(seq: number): number {
  return HEAD.length + String(seq).length + TYPE_AFTER_SEQ;
}

/** Whether the record of `digits` digits of sequence number at `from` is an audit.recovered. */
export function isRecovered(bytes: Buffer, from: number, digits: number): boolean {
  const at = from + HEAD.length + digits + TYPE_AFTER_SEQ;
  // 'a', 'u', 'd': no other type starts so, but the whole word decides.
  if (bytes[at] !== 0x61 || bytes[at + 1] !== 0x75 || bytes[at + 2] !== 0x64) return false;
  return bytes.toString('latin1', at, at + RECOVERED.length + 1) === `${RECOVERED}"`;
}
