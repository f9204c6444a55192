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

// A run ends by the C library's _exit(2), which runs nothing of Node's: so that call is watched.
const open = process.dlopen.bind(process);
process.dlopen = (module, place, ...flags) => {
  open(module, place, ...flags);
  if (!place.endsWith('koffi.node')) return;
  const { load, ...koffi } = module.exports;
  module.exports = { ...koffi, load: (...library) => watchExit(load(...library)) };
};

function watchExit(library) {
  return {
    func(name, ...signature) {
      const call = library.func(name, ...signature);
      if (name !== '_exit') return call;
      return (status) => {
        save();
        call(status);
      };
    },
  };
}

process.on('exit', save);
const exports = evaluateBundle(script, file, require);
if (name === 'remote') exports.runThroughBroker(argv);
else if (name === 'run') exports.runFromArgv(argv);
else if (name === 'hook') exports.hookFromArgv(argv);
else if (name === 'scan') exports.scanFromArgv(argv);
else if (name === 'redact') exports.redactFromArgv(argv);
else await exports.main(argv);
