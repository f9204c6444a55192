// Before anything that an older Node could not load. It imports nothing, and its syntax is plain.
const OLDEST_NODE = 20;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(`hasp: needs Node.js 20.20 or later, and this is ${process.versions.node}\n`);
  process.exit(process.argv[2] === 'run' ? 125 : 1);
}
