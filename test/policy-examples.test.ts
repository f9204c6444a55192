import { afterAll, beforeAll, expect, it } from 'vitest';
import { haspCalls, readPage } from './support/pages.ts';
import { Sandbox } from './support/sandbox.ts';

interface Example {
  readonly policy: string;
  readonly argv: readonly string[];
  readonly expected: string;
}

/** Each `hasp policy test … # EFFECT RULE` of the page, with the rules that stand above it. */
function examples(): Example[] {
  const { text } = readPage('docs/policy.md');
  let policy = '[]';
  return [...text.matchAll(/^```(json|sh)\n([\s\S]*?)^```$/gm)].flatMap(([, tag, body = '']) => {
    if (tag === 'json') {
      policy = body;
      return [];
    }
    return body
      .trimEnd()
      .split('\n')
      .map((line) => ({ policy, argv: haspCalls(line)[0] ?? [], expected: line.split('#')[1]?.trim() ?? '' }));
  });
}

let box: Sandbox;
beforeAll(() => {
  box = new Sandbox();
});
afterAll(() => box.remove());

it('stand on the page', () => expect(examples().length).toBeGreaterThan(12));

it.each(examples().map((example) => [example.argv.slice(2).join(' '), example.expected, example] as const))(
  '%s: %s',
  async (_argv, _expected, { policy, argv, expected }) => {
    box.write('policy.json', policy);
    const { effect, rule } = await box.json<{ effect: string; rule: string }>([
      ...argv,
      '--policy-file',
      'policy.json',
    ]);
    expect(`${effect} ${rule}`).toBe(expected);
  },
);
