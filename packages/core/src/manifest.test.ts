import { describe, expect, it } from 'vitest';
import { matchTarget, parseManifest } from './manifest.ts';

const EXAMPLE = `{
  "version": 1,
  "project": "web",
  "env": { "DATABASE_URL": "hasp://db/test" },
  "targets": {
    "test": { "command": ["npm", "test"], "env": { "DATABASE_URL": "hasp://db/test" } },
    "unit": { "command": ["npm", "test", "unit"], "stdin": "hasp://db/unit@3" },
    "publish": { "command": ["npm", "publish"], "env": { "NPM_TOKEN": "hasp://npm/token" },
                 "file": { "GOOGLE_APPLICATION_CREDENTIALS": "hasp://gcp/deployer" },
                 "ttl": "5m", "scope": "root", "stragglers": "kill" },
    "named": { "env": { "A": "hasp://a" } }
  },
  "agents": { "claude": { "targets": ["test"] } }
}`;

describe('the manifest', () => {
  it('reads bindings, targets and agents', () => {
    const manifest = parseManifest(EXAMPLE, 'hasp.json');
    expect(manifest.project).toBe('web');
    expect(manifest.bindings).toEqual([
      { reference: { name: 'db/test' }, delivery: { kind: 'env', variable: 'DATABASE_URL' } },
    ]);
    expect(manifest.targets.get('publish')).toMatchObject({ ttlMs: 300_000, scope: 'root', stragglers: 'kill' });
    expect(manifest.targets.get('unit')?.bindings).toEqual([
      { reference: { name: 'db/unit', version: 3 }, delivery: { kind: 'stdin' } },
    ]);
    expect(manifest.agents.get('claude')).toEqual(['test']);
  });

  it('chooses the target whose command is the longest prefix', () => {
    const manifest = parseManifest(EXAMPLE, 'hasp.json');
    expect(matchTarget(manifest, ['npm', 'test'])).toBe('test');
    expect(matchTarget(manifest, ['npm', 'test', '--', '-x'])).toBe('test');
    expect(matchTarget(manifest, ['npm', 'test', 'unit', 'x'])).toBe('unit');
    expect(matchTarget(manifest, ['npm'])).toBeUndefined();
    expect(matchTarget(manifest, ['npx', 'test'])).toBeUndefined();
    expect(matchTarget(manifest, [])).toBeUndefined();
  });

  it.each([
    ['{ "version": 2 }', 'hasp.json:1:14: "version" must be 1'],
    ['{}', 'hasp.json:1:1: "version" must be 1'],
    ['{ "version": 1, "environment": {} }', 'hasp.json:1:17: unknown key "environment"'],
    ['{ "version": 1,\n "env": { "A": "s3cret-value" } }', 'hasp.json:2:16: expected a reference'],
    ['{ "version": 1,\n "env": { "A B": "hasp://a" } }', 'hasp.json:2:11: not a valid variable name'],
    ['{ "version": 1, "env": { "A": "hasp://a", "A": "hasp://b" } }', 'hasp.json:1:43: duplicate key "A"'],
    ['{ "version": 1, "targets": { "t": { "ttl": "soon" } } }', 'expected a duration'],
    ['{ "version": 1, "targets": { "t": { "command": "npm test" } } }', 'expected an array'],
    ['{ "version": 1, "targets": { "t": { "scope": "all" } } }', 'expected tree or root'],
    ['{ "version": 1, "targets": { "t": { "pristine": "yes" } } }', 'expected true or false'],
    ['{ "version": 1, "agents": { "a": { "targets": ["nope"] } } }', 'names a target that is not there'],
    ['{ "version": 1 } x', 'text after the end'],
    ['', 'unexpected end'],
  ])('refuses %j and says where', (text, message) => {
    expect(() => parseManifest(text, 'hasp.json')).toThrow(message);
  });

  it('never repeats a value that stands where a reference belongs', () => {
    expect(() => parseManifest('{ "version": 1, "env": { "A": "s3cret-value" } }', 'm')).not.toThrow(/s3cret/);
  });
});
