/** `npm run bench -- flat | hnsw | compressed | kernels`: see --help of each. */
import { bench } from './program.ts';

process.exitCode = await bench(process.argv.slice(2));
