// Makes V8's code cache of the bundles, by running them once for real in a throw-away home: what was
// compiled on the way is in the cache, so that a later start neither parses nor compiles it again.
// Called by build.mjs as a program of its own: code-cache.mjs DIST BUNDLE ARG...
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [dist, name, ...argv] = process.argv.slice(2);
const file = path.join(dist, `${name}.cjs`);
const require = createRequire(file);
const { cacheOf, compileBundle, evaluateBundle } = require('./bundle.cjs');
const script = compileBundle(file);
const save = () => fs.writeFileSync(cacheOf(file), script.createCachedData());

// A run ends by _exit(2), where nothing can be hooked in: its last deed but one is to remove its state.
const watched = {
  ...fs,
  unlinkSync(place) {
    fs.unlinkSync(place);
    if (place.endsWith('.json')) save();
  },
};
const exports = evaluateBundle(script, file, (id) => (id === 'node:fs' ? watched : require(id)));
process.on('exit', save);
if (name === 'run') exports.runFromArgv(argv);
else await exports.main(argv);
