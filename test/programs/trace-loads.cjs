// Required before a program: writes the names of all that it loads to stderr, a JSON array a line, the last line the whole.
const { writeSync } = require('node:fs');
const Module = require('node:module');

const loaded = new Set();
const load = Module._load;
Module._load = function (request, ...rest) {
  note(request);
  return load.call(this, request, ...rest);
};
const dlopen = process.dlopen;
process.dlopen = function (target, file, ...rest) {
  note(file);
  return dlopen.call(this, target, file, ...rest);
};
const builtin = process.getBuiltinModule;
process.getBuiltinModule = (name) => {
  note(name);
  return builtin(name);
};

// Line by line, because the program may leave by _exit(2).
function note(request) {
  const name = Module.isBuiltin(request) ? `node:${request.replace(/^node:/, '')}` : request;
  if (loaded.has(name)) return;
  loaded.add(name);
  writeSync(2, `${JSON.stringify([...loaded])}\n`);
}
