import './guard.ts';
import { runFromArgv } from './run-entry.ts';

const argv = process.argv.slice(2);
const handled = argv[0] === 'run' && runFromArgv(argv.slice(1));
if (!handled) void import('./main.ts').then((main) => main.main(argv));
