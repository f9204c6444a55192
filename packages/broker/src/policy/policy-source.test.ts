import { appendFileSync, chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PolicyPlace } from './policy-bytes.ts';
import { PolicySource } from './policy-source.ts';

let folder: string;
let file: string;
let heard: string[];
let source: PolicySource | undefined;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/hasp-policy-`);
  file = path.join(folder, 'policy.json');
  heard = [];
});
afterEach(() => {
  source?.close();
  source = undefined;
  rmSync(folder, { recursive: true });
});

const uid = process.getuid?.() ?? 0;
const rules = (...ids: string[]) =>
  JSON.stringify(ids.map((id) => ({ id, effect: 'allow', agentSelector: '*', credentialSelector: '*' })));
const write = (text: string, mode = 0o600) => {
  writeFileSync(file, text);
  chmodSync(file, mode);
};

function open(more: Partial<PolicyPlace> = {}): PolicySource {
  const parts = { file, named: false, uid, ...more };
  source = new PolicySource({
    ...parts,
    onLoaded: (loaded) => heard.push(`loaded ${loaded?.policy.rules.map(({ id }) => id).join(' ') ?? 'none'}`),
    onRejected: ({ code, message }) => heard.push(`${code} ${message.replace(folder, '')}`),
  });
  return source;
}

const codeOf = (deed: () => unknown) => {
  try {
    deed();
    return undefined;
  } catch (error) {
    if (error instanceof HaspError) return error.code;
    throw error;
  }
};

const ids = () => source?.policy.rules.map(({ id }) => id).join(' ');

async function until(look: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!look()) {
    if (performance.now() > end) throw new Error(`still not: ${look} with ${heard.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('the rules in force', () => {
  it('are none where there is no file', () => {
    expect(open().policy.rules).toEqual([]);
    expect(source?.sha256).toBeUndefined();
    expect(heard).toEqual(['loaded none']);
  });

  it('are those of the file, and of the file as it is after a reload', () => {
    write(rules('a'));
    open();
    write(rules('a', 'b'));
    expect(source?.reload()).toBeUndefined();
    expect(ids()).toBe('a b');
    expect(source?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(source?.reload()).toBeUndefined();
    expect(heard).toEqual(['loaded a', 'loaded a b']);
  });

  it('stay as they are while the file is broken, which is said once', () => {
    write(rules('a'));
    open();
    for (const text of [`${rules('a', 'b').slice(0, -2)}`, '', rules('a', 'a'), '[{"id":1}]']) {
      write(text);
      expect(source?.reload()?.code).toBe('E_POLICY_INVALID');
      expect(source?.reload()?.code).toBe('E_POLICY_INVALID');
      expect(ids()).toBe('a');
    }
    expect(heard.slice(1).map((line) => line.split(':')[0])).toEqual(Array(4).fill('E_POLICY_INVALID /policy.json'));
    write(rules('b'));
    expect(source?.reload()).toBeUndefined();
    expect(heard.at(-1)).toBe('loaded b');
  });

  it('are refused from a file that others could have written, and kept', () => {
    write(rules('a'));
    open();
    write(rules('b'), 0o644);
    expect(source?.reload()?.code).toBe('E_HOME_UNSAFE');
    expect(ids()).toBe('a');
    chmodSync(file, 0o600);
    expect(source?.reload()).toBeUndefined();
    expect(ids()).toBe('b');
  });
});

describe('a file', () => {
  it.each([
    ['broken', () => write('{'), 'E_POLICY_INVALID'],
    ['readable by others, in the home', () => write('[]', 0o640), 'E_HOME_UNSAFE'],
    ['not UTF-8', () => writeFileSync(file, Buffer.from('"\xff"', 'latin1'), { mode: 0o600 }), 'E_POLICY_INVALID'],
    ['with a byte order mark', () => write('\ufeff[]'), 'E_POLICY_INVALID'],
    ['larger than 1 MiB', () => write(`[${' '.repeat(1 << 20)}]`), 'E_POLICY_INVALID'],
    ['a link, in the home', () => symlinkSync('/dev/null', file), 'E_POLICY_INVALID'],
  ])('that is %s is refused at the start', (_what, make, code) => {
    make();
    expect(codeOf(open)).toBe(code);
  });

  it('of another user is refused', () => {
    write('[]');
    expect(codeOf(() => open({ uid: uid + 1 }))).toBe('E_HOME_UNSAFE');
  });

  it('that was named may be read by others, but not be written, nor be missing', () => {
    write(rules('a'), 0o644);
    expect(open({ named: true }).policy.rules).toHaveLength(1);
    source?.close();
    write(rules('a'), 0o664);
    expect(codeOf(() => open({ named: true }))).toBe('E_HOME_UNSAFE');
    rmSync(file);
    expect(codeOf(() => open({ named: true }))).toBe('E_POLICY_INVALID');
    expect(codeOf(() => open({ named: true, file: folder }))).toBe('E_POLICY_INVALID');
  });
});

describe('a change of the file', () => {
  it('is seen however it was made: written, replaced, removed, made anew', async () => {
    write(rules('a'));
    open();
    write(rules('b'));
    await until(() => ids() === 'b');
    writeFileSync(`${file}.new`, rules('c'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    await until(() => ids() === 'c');
    // The one that is there now is watched, not the one that was.
    write(rules('d'));
    await until(() => ids() === 'd');
    rmSync(file);
    await until(() => ids() === '');
    write(rules('e'));
    await until(() => ids() === 'e');
    appendFileSync(file, 'x');
    await until(() => heard.at(-1)?.startsWith('E_POLICY_INVALID') === true);
    expect(ids()).toBe('e');
    write(rules('f'));
    await until(() => ids() === 'f');
  });

  it('in many small steps is taken when it is whole, and never in between', async () => {
    write(rules('a'));
    open();
    const text = rules('a', 'b', 'c');
    writeFileSync(file, '');
    for (const character of text) {
      appendFileSync(file, character);
      await new Promise(setImmediate);
    }
    await until(() => ids() === 'a b c');
    expect(heard.filter((line) => line.startsWith('loaded'))).toEqual(['loaded a', 'loaded a b c']);
  });

  it('after the end is not looked at', async () => {
    write(rules('a'));
    open().close();
    write(rules('b'));
    const other = new PolicySource({ file, named: false, uid, onLoaded: () => {}, onRejected: () => {} });
    write(rules('c'));
    await until(() => other.policy.rules[0]?.id === 'c');
    other.close();
    expect([ids(), heard]).toEqual(['a', ['loaded a']]);
  });
});
