import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SLASHED, VALUE } from './support/commit-cases.ts';
import { PUSHED_OBJECTS } from './support/push-objects.ts';
import { MAY_PASS } from './support/push-passes.ts';
import { PUSHED_RANGES } from './support/push-ranges.ts';
import type { PushCase } from './support/pushing.ts';
import { Repository } from './support/repository.ts';
import { Sandbox } from './support/sandbox.ts';

const MUST_BLOCK = [...PUSHED_RANGES, ...PUSHED_OBJECTS];

let box: Sandbox;
let made = 0;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE, 'two/parts': SLASHED });
});
afterAll(() => box.remove());

function repository({ init = [] }: PushCase): Repository {
  made += 1;
  return new Repository(box, `r${made}`, { init });
}

describe('a push is stopped that would send a value', () => {
  it.each(MUST_BLOCK)('$name', async (tried) => {
    const push = await tried.prepare(repository(tried));
    const { status, stderr, stdout } = await push(true);
    const said = stderr.toString();
    const expected = tried.unsure ? /^hasp: .*(?:checked)/m : /^hasp: (?:db\/password|two\/parts) in /m;
    expect({ status, said }).toEqual({ status: 1, said: expect.stringMatching(expected) });
    if (tried.says !== undefined) expect(said).toMatch(tried.says);
    for (const value of [VALUE, SLASHED]) expect(said + stdout.toString()).not.toContain(value);
  });
});

describe('without the hooks the same push goes through', () => {
  it.each(MUST_BLOCK.filter(({ isImpossible }) => isImpossible !== true))('$name', async (tried) => {
    const push = await tried.prepare(repository(tried));
    const { status, stderr } = await push(false);
    expect({ status, said: stderr.toString() }).toMatchObject({ status: 0 });
  });
});

describe('a push goes through that sends no value', () => {
  it.each(MAY_PASS)('$name', async (tried) => {
    const push = await tried.prepare(repository(tried));
    const { status, stderr } = await push(true);
    expect({ status, said: stderr.toString() }).toEqual({ status: 0, said: expect.not.stringContaining('hasp:') });
  });
});
