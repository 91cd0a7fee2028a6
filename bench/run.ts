/** `npm run bench`: the suite; `npm run bench -- flat | hnsw | compressed | tuning | gpu | kernels`: one question each. See --help of each. */
import { bench } from './program.ts';

process.exitCode = await bench(process.argv.slice(2));
