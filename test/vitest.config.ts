import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests start hundreds of Node processes. NODE_EXTRA_CA_CERTS makes Node 20 parse a bundle of
// certificates at each start (60 ms instead of 22), and NODE_OPTIONS would change what is tested.
delete process.env.NODE_EXTRA_CA_CERTS;
delete process.env.NODE_OPTIONS;
// npm puts node_modules/.bin first, where there is a `hasp`; tests decide themselves which one they start.
process.env.PATH = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !/node_modules\/(?:\.bin|@npmcli\/run-script\/lib\/node-gyp-bin)$/.test(folder))
  .join(':');

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Much of the time is spent waiting for children, so one worker a core leaves no core idle.
    maxWorkers: '100%',
    // Bounds against a hang on a busy machine, not expectations of speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', fileURLToPath(new URL('./support/reporter.ts', import.meta.url))],
  },
});
