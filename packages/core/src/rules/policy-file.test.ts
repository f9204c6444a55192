import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HaspError } from '../errors.ts';
import { parsePolicy } from './policy-file.ts';

const RULE = '"id": "r", "effect": "allow", "agentSelector": "*", "credentialSelector": "*"';
const withConstraints = (constraints: string) => `[{ ${RULE}, "constraints": ${constraints} }]`;

/** As the broker of secretless-ai documents its file. */
const SECRETLESS = `{
  "version": 1,
  "rules": [
    {
      "id": "scanner-github-readonly",
      "agentSelector": "scan-*",
      "credentialSelector": "GITHUB_TOKEN",
      "constraints": {
        "rateLimit": { "maxPerMinute": 30 },
        "timeWindow": { "start": "09:00", "end": "18:00" },
        "minTrustScore": 0.7, "requireCapability": "code-scan", "scopeCheck": true
      },
      "effect": "allow"
    },
    { "id": "no-aws", "x-comment": "not yet", "agentSelector": "*", "credentialSelector": "AWS_*", "constraints": {}, "effect": "deny" }
  ]
}`;

describe('a policy file', () => {
  it('is read whole', () => {
    const text = `{ "version": 1, "rules": [ {
      "id": "a", "effect": "ask", "agentSelector": "scan-*", "credentialSelector": "GITHUB_TOKEN",
      "commandSelector": "npm test*", "targetSelector": "test", "deliveries": ["env", "stdin"],
      "constraints": { "rateLimit": { "maxPerMinute": 30 }, "maxUses": 5, "maxTtl": "15m", "minTrustScore": 0,
        "timeWindow": { "start": "09:05", "end": "18:00", "days": ["mon", "fri"], "timeZone": "Europe/Berlin" },
        "requireCapability": "code-scan", "scopeCheck": true } } ] }`;
    expect(parsePolicy(text, 'policy.json').rules).toEqual([
      {
        id: 'a',
        effect: 'ask',
        agentSelector: 'scan-*',
        credentialSelector: 'GITHUB_TOKEN',
        commandSelector: 'npm test*',
        targetSelector: 'test',
        deliveries: ['env', 'stdin'],
        constraints: {
          rateLimit: { maxPerMinute: 30 },
          maxUses: 5,
          maxTtlMs: 900_000,
          minTrustScore: 0,
          timeWindow: {
            start: 545,
            end: 1080,
            days: ['mon', 'fri'],
            timeZone: 'Europe/Berlin',
            wallTime: expect.any(Function),
          },
          requireCapability: 'code-scan',
          scopeCheck: true,
        },
      },
    ]);
  });

  it('of secretless-ai loads unchanged, also as a bare array or without a version', () => {
    const rules = parsePolicy(SECRETLESS, 'f').rules.map(({ id, effect }) => [id, effect]);
    expect(rules).toEqual([
      ['scanner-github-readonly', 'allow'],
      ['no-aws', 'deny'],
    ]);
    const bare = JSON.stringify((JSON.parse(SECRETLESS) as { rules: unknown }).rules);
    expect(parsePolicy(bare, 'f').rules.map(({ id, effect }) => [id, effect])).toEqual(rules);
    expect(parsePolicy(`{"rules":${bare}}`, 'f').rules).toHaveLength(2);
    expect(parsePolicy('[]', 'f').rules).toEqual([]);
  });

  it.each([
    ['', 'f:1:1: unexpected end'],
    ['{ "version": 1, "rules": [', 'f:1:27: unexpected end'],
    ['"rules"', 'f:1:1: expected an object with "rules", or an array'],
    ['{ "version": 1 }', 'f:1:1: "rules" is missing'],
    ['{ "version": 2, "rules": [] }', 'f:1:14: "version" must be 1'],
    ['{ "version": "1", "rules": [] }', 'f:1:14: "version" must be 1'],
    ['{ "version": 1, "rules": {} }', 'f:1:26: expected an array'],
    ['{ "version": 1, "rules": [], "denyRules": [] }', 'f:1:30: unknown key "denyRules"'],
    ['{ "version": 1,\n  "rules": [], "rules": [] }', 'f:2:16: duplicate key "rules"'],
    ['[1]', 'f:1:2: expected an object'],
    ['[{}]', 'f:1:2: "effect" is missing'],
    ['[{ "effect": "allow" }]', 'f:1:2: "id" is missing'],
    [`[{ ${RULE}, "contraints": {} }]`, 'unknown key "contraints"'],
    [`[{ ${RULE}, "id": "again" }]`, 'duplicate key "id"'],
    [`[{ ${RULE}, "\\u0069d": "again" }]`, 'duplicate key "id"'],
    [`[{ ${RULE} },\n { ${RULE} }]`, 'f:2:10: two rules with the id "r"'],
    [`[{ ${RULE.replace('"allow"', '"permit"')} }]`, 'f:1:25: expected allow or deny or ask'],
    [`[{ ${RULE.replace('"r"', '""')} }]`, 'f:1:10: must not be empty'],
    [`[{ ${RULE.replace('"r"', '7')} }]`, 'f:1:10: expected a string'],
    [`[{ ${RULE.replace('"r"', '"default-deny"')} }]`, 'a name of hasp'],
    [`[{ ${RULE.replace('"*"', '""')} }]`, 'must not be empty'],
    [`[{ ${RULE.replace('"*"', `"${'*'.repeat(1025)}"`)} }]`, 'at most 1024'],
    [`[{ ${RULE}, "commandSelector": ["npm"] }]`, 'expected a string'],
    [
      `[{ ${RULE.replace('"credentialSelector": "*"', '"credentialSelector": "hasp://db/*"')} }]`,
      'without hasp:// and version',
    ],
    [
      `[{ ${RULE.replace('"credentialSelector": "*"', '"credentialSelector": "db/url@1"')} }]`,
      'without hasp:// and version',
    ],
    [`[{ ${RULE}, "targetSelector": "" }]`, 'must not be empty'],
    [`[{ ${RULE}, "deliveries": "env" }]`, 'expected an array'],
    [`[{ ${RULE}, "deliveries": [] }]`, 'must not be empty'],
    [`[{ ${RULE}, "deliveries": ["environment"] }]`, 'expected env or file or stdin or ask'],
    [`[{ ${RULE}, "x-note": 1 }]`, 'expected a string'],
    [`[{ ${RULE}, "x-time-window": "09:00" }]`, '"x-time-window" would restrict nothing'],
    [`[{ ${RULE}, "x-constraints": "none" }]`, 'would restrict nothing'],
    [withConstraints('[]'), 'expected an object'],
    [withConstraints('null'), 'expected an object'],
    [withConstraints('{ "maxUse": 1 }'), 'unknown key "maxUse"'],
    [withConstraints('{ "x-note": "" }'), 'unknown key "x-note"'],
    [withConstraints('{ "maxUses": 1, "maxUses": 9 }'), 'duplicate key "maxUses"'],
    [withConstraints('{ "maxUses": 0 }'), 'expected a whole number from 1'],
    [withConstraints('{ "maxUses": 1.5 }'), 'expected a whole number from 1'],
    [withConstraints('{ "maxUses": "5" }'), 'expected a whole number from 1'],
    [withConstraints('{ "maxTtl": 900 }'), 'expected a string'],
    [withConstraints('{ "maxTtl": "soon" }'), 'expected a duration'],
    [withConstraints('{ "maxTtl": "25h" }'), 'at most 24h'],
    [withConstraints('{ "maxTtl": "0s" }'), 'at most 24h'],
    [withConstraints('{ "rateLimit": 30 }'), 'expected an object'],
    [withConstraints('{ "rateLimit": {} }'), '"maxPerMinute" is missing'],
    [withConstraints('{ "rateLimit": { "maxPerMinute": "30" } }'), 'expected a number above 0'],
    [withConstraints('{ "rateLimit": { "maxPerMinute": 0 } }'), 'expected a number above 0'],
    [withConstraints('{ "rateLimit": { "maxPerMinute": 1e999 } }'), 'expected a number above 0'],
    [withConstraints('{ "rateLimit": { "maxPerMinute": 30, "maxPerHour": 1 } }'), 'unknown key "maxPerHour"'],
    [withConstraints('{ "minTrustScore": "0.7" }'), 'expected a number from 0 to 1'],
    [withConstraints('{ "minTrustScore": 70 }'), 'expected a number from 0 to 1'],
    [withConstraints('{ "requireCapability": "" }'), 'must not be empty'],
    [withConstraints('{ "scopeCheck": "true" }'), 'expected true or false'],
    [withConstraints('{ "timeWindow": { "start": "09:00" } }'), '"end" is missing'],
    [withConstraints('{ "timeWindow": { "start": 9, "end": "18:00" } }'), 'expected a string'],
    [withConstraints('{ "timeWindow": { "start": "9:00", "end": "18:00" } }'), 'expected a time from "00:00"'],
    [withConstraints('{ "timeWindow": { "start": "09:00", "end": "24:00" } }'), 'expected a time from "00:00"'],
    [withConstraints('{ "timeWindow": { "start": "09:00", "end": "09:60" } }'), 'expected a time from "00:00"'],
    [withConstraints('{ "timeWindow": { "start": "09:00", "end": "09:00" } }'), 'ends when it starts'],
    [withConstraints('{ "timeWindow": { "start": "09:00", "End": "18:00" } }'), 'unknown key "End"'],
    [withConstraints('{ "timeWindow": { "start": "09:00", "end": "18:00", "days": [] } }'), 'must not be empty'],
    [withConstraints('{ "timeWindow": { "start": "09:00", "end": "18:00", "days": ["Mon"] } }'), 'expected sun or mon'],
    [
      withConstraints('{ "timeWindow": { "start": "09:00", "end": "18:00", "timeZone": "Mars/Base" } }'),
      'expected a time zone',
    ],
    [withConstraints('{ "timeWindow": { "start": "09:00", "end": "18:00", "timeZone": "" } }'), 'expected a time zone'],
    [
      withConstraints('{ "timeWindow": { "start": "09:00", "end": "18:00", "timeZone": "+01:00" } }'),
      'expected a time zone',
    ],
  ])('is refused, with the place: %j', (text, message) => {
    const refusal = refusalOf(text);
    expect(refusal?.code).toBe('E_POLICY_INVALID');
    expect(refusal?.message).toMatch(/^f:[0-9]+:[0-9]+: /);
    expect(refusal?.message).toContain(message);
  });

  it('gives a deny rule no constraint by which it would deny less than it seems to', () => {
    const denial = RULE.replace('"allow"', '"deny"');
    for (const limit of ['"rateLimit": { "maxPerMinute": 1 }', '"minTrustScore": 0.7', '"scopeCheck": true'])
      expect(refusalOf(`[{ ${denial}, "constraints": { ${limit} } }]`)?.message).toContain('a deny rule can have no');
    const night = '{ "timeWindow": { "start": "22:00", "end": "06:00" } }';
    expect(parsePolicy(`[{ ${denial}, "constraints": ${night} }]`, 'f').rules).toHaveLength(1);
  });

  it('is refused or read, and nothing else, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), mutated(SECRETLESS)), (text) => {
        expect([undefined, 'E_POLICY_INVALID']).toContain(refusalOf(text)?.code);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The error, if it is refused; anything else that is thrown goes on. */
function refusalOf(text: string): HaspError | undefined {
  try {
    parsePolicy(text, 'f');
    return undefined;
  } catch (error) {
    if (error instanceof HaspError) return error;
    throw error;
  }
}

/** With a few characters put in place of others. */
function mutated(text: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(text.length - 1), fc.nat(8), fc.constantFrom('', '"', ',', '{', '}', '[', ']', ':', '1', 'x', 'null'))
    .map(([at, length, replacement]) => text.slice(0, at) + replacement + text.slice(at + length));
}
