/** `npm run bench -- flat | kernels`: see --help of each. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { flatChart, kernelChart } from './chart.ts';
import { threadCounts } from './contenders.ts';
import { DEBIAN_FOLDER, SET_NAMES } from './data-sets.ts';
import { benchFlat } from './flat.ts';
import { flatText } from './flat-text.ts';
import { benchKernels, kernelText } from './kernels.ts';

const ROOT = join(import.meta.dirname, '..');
const CACHE = join(ROOT, '.cache');

const list = (text: string) => text.split(',').filter((part) => part !== '');
const say = (line: string) => void process.stderr.write(`${line}\n`);

function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('give an integer ≥ 1');
  return n;
}

/** Writes <name>.json and <name>.svg and says where. */
function write(folder: string, name: string, report: object, svg: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(`${path}.svg`, svg);
  console.log(`\nwritten: ${path}.json and ${path}.svg`);
}

const program = new Command('bench').description(
  'Measures Isodex. Figures depend on the machine; ratios within one run are what to compare.',
);

program
  .command('flat')
  .description('exact search beside FAISS, on the same data in one run')
  .option('--data <folder>', 'folder of data sets (default: ISODEX_DATA)', process.env.ISODEX_DATA)
  .option('--sets <names>', `of ${SET_NAMES.join(', ')}`, 'fashion-mnist,glove,glove-l2,minilm,sift')
  .option('--limit <rows>', 'rows of each set, at most', count)
  .option('--queries <n>', 'queries of a batch', count, 1000)
  .option('--k <n>', 'neighbours', count, 10)
  .option('--repeats <n>', 'rounds after one to warm up', count, 7)
  .option('--singles <n>', 'queries asked one by one', count, 105)
  .option('--threads <counts>', 'CPU threads, numbers or all', '1,all')
  .option('--engines <kinds>', 'of cpu, gpu, reference', 'cpu,gpu')
  .option('--software', 'run a GPU that is a software driver too')
  .option('--peers <names>', 'of faiss; empty for none', 'faiss')
  .option('--python <path>', 'a Python with faiss-cpu and numpy (default: a virtual environment in .cache/)')
  .option('--generic', 'accept a FAISS built without vector instructions')
  .addOption(new Option('--library <path>', 'the built library').default(join(ROOT, 'dist', 'node.js'), 'dist/node.js'))
  .option('--out <folder>', 'where results go', join('out', 'bench'))
  .action(async (options) => {
    const library = resolve(options.library);
    if (!existsSync(library)) throw new Error('the library is not built: run `npm run build` first');
    const report = await benchFlat({
      ...options,
      library,
      sets: list(options.sets),
      engines: list(options.engines),
      peers: list(options.peers),
      threads: threadCounts(options.threads),
      folders: [...(options.data ? [options.data] : []), DEBIAN_FOLDER],
      software: options.software ?? false,
      generic: options.generic ?? false,
      cache: CACHE,
      say,
    });
    console.log(flatText(report));
    write(options.out, 'flat', report, await flatChart(report));
  });

program
  .command('kernels')
  .description('each kernel alone, in terms (multiply-adds) a second, by tinybench')
  .option('--threads <counts>', 'CPU threads, numbers or all', availableParallelism() > 1 ? '1,all' : '1')
  .option('--time <ms>', 'for each kernel and engine', count, 500)
  .option('--rows <n>', 'rows of scans', count, 16384)
  .option('--out <folder>', 'where results go', join('out', 'bench'))
  .action(async (options) => {
    const report = await benchKernels({ time: options.time, threads: threadCounts(options.threads), rows: options.rows }, CACHE, say);
    console.log(kernelText(report));
    write(options.out, 'kernels', report, await kernelChart(report));
  });

process.once('SIGINT', () => process.exit(130)); // runs the exit handlers, which remove temporary files
try {
  await program.parseAsync();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
