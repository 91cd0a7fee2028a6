/** The commands of the bench, whoever starts it: `npm run bench`, `isodex bench`. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { flatChart, kernelChart } from './chart.ts';
import { benchCompressed } from './compressed/bench.ts';
import { compressedCharts } from './compressed/chart.ts';
import type { CompressedReport } from './compressed/report.ts';
import { compressedText } from './compressed/text.ts';
import { threadCounts } from './contenders.ts';
import { SET_NAMES } from './data-sets.ts';
import { benchFlat } from './flat.ts';
import { flatText } from './flat-text.ts';
import { gpuCommand } from './gpu/command.ts';
import { benchHnsw } from './hnsw/bench.ts';
import { PEER_NAMES } from './hnsw/candidates.ts';
import { hnswCharts } from './hnsw/chart.ts';
import type { HnswReport } from './hnsw/report.ts';
import { hnswText } from './hnsw/text.ts';
import { benchKernels, kernelText } from './kernels.ts';
import { compared, comparing, count, counts, list, say } from './options.ts';
import { CACHE } from './places.ts';
import { type Files, pictures, save, write } from './results.ts';
import { suiteCommand } from './suite/command.ts';
import { benchTuning } from './tuning/bench.ts';
import { tuningCharts } from './tuning/chart.ts';
import { tuningText } from './tuning/text.ts';

const program = new Command('bench').description(
  'Measures Isodex. Figures depend on the machine; ratios within one run are what to compare.',
);

suiteCommand(program.command('suite', { isDefault: true }));

/** A command for one question, with the options that all of those have. */
function comparison(
  name: string,
  description: string,
  defaults: { sets: string; queries: number; repeats: number; singles: number },
): Command {
  const command = program
    .command(name)
    .description(description)
    .option('--data <folder>', 'folder of data sets (default: ISODEX_DATA)', process.env.ISODEX_DATA)
    .option('--sets <names>', `of ${SET_NAMES.join(', ')}`, defaults.sets)
    .option('--queries <n>', 'queries of a batch', count, defaults.queries)
    .option('--k <n>', 'neighbours', count, 10);
  return comparing(command, defaults);
}

/** What `comparison` parsed, as benches take it. */
function parsed(options: ReturnType<Command['opts']>) {
  return { ...compared(options, options.data), sets: list(options.sets), queries: options.queries as number, k: options.k as number };
}

comparison('flat', 'exact search beside FAISS, on the same data in one run', {
  sets: 'fashion-mnist,glove,glove-l2,minilm,sift',
  queries: 1000,
  repeats: 7,
  singles: 105,
})
  .option('--engines <kinds>', 'of cpu, gpu, reference', 'cpu,gpu')
  .option('--peers <names>', 'of faiss; empty for none', 'faiss')
  .action(async (options) => {
    const report = await benchFlat({ ...parsed(options), engines: list(options.engines), peers: list(options.peers) });
    console.log(flatText(report));
    const svgs = await pictures(async () => [{ name: 'flat', svg: await flatChart(report) }]);
    write(options.out, { 'flat.json': report, ...svgs });
  });

comparison('hnsw', 'graph search beside other libraries, at equal recall on the same data in one run', {
  sets: 'fashion-mnist,glove,minilm',
  queries: 2000,
  repeats: 5,
  singles: 1000,
})
  .option('--m <list>', 'M, one or several', counts, [32])
  .option('--ef-construction <n>', 'of every index', count, 200)
  .option(
    '--efs <list>',
    'efSearch, from the least on until recall is enough',
    counts,
    [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512],
  )
  .option('--peers <names>', `of ${PEER_NAMES.join(', ')}; empty for none`, 'hnswlib-node,usearch,faiss,zvec')
  .option('--rebuild', 'build every index anew, as build times want it, rather than take it from the cache')
  .option('--build-only', 'build what is not in the cache and measure nothing else')
  .action(async (options) => {
    const { m, efConstruction, efs, rebuild = false, buildOnly = false, peers, out } = options;
    const keep = async (report: HnswReport) => {
      if (!buildOnly) save(out, await hnswFiles(report));
    };
    const report = await benchHnsw({ ...parsed(options), m, efConstruction, efs, rebuild, buildOnly, keep, peers: list(peers) });
    console.log(hnswText(report));
    if (!buildOnly) write(out, await hnswFiles(report));
  });

async function hnswFiles(report: HnswReport): Promise<Files> {
  return { 'hnsw.json': report, ...(await pictures(() => hnswCharts(report))) };
}

comparison('compressed', 'quantised indexes beside FAISS with the same parameters, on the same data in one run', {
  sets: 'fashion-mnist,minilm,glove',
  queries: 1000,
  repeats: 5,
  singles: 500,
})
  .option('--indexes <descriptions...>', 'only these of the descriptions that fit a set, with spaces between')
  .option('--nlist <n>', 'lists of IVF', count, 1024)
  .option('--ef-construction <n>', 'of every graph', count, 200)
  .option('--peers <names>', 'of faiss; empty for none', 'faiss')
  .option('--rebuild', 'build every index anew, as build times want it, rather than take it from the cache')
  .action(async (options) => {
    const { indexes = [], nlist, efConstruction, rebuild = false, peers, out } = options;
    const keep = async (report: CompressedReport) => save(out, await compressedFiles(report));
    const report = await benchCompressed({ ...parsed(options), indexes, nlist, efConstruction, rebuild, keep, peers: list(peers) });
    console.log(compressedText(report));
    write(out, await compressedFiles(report));
  });

async function compressedFiles(report: CompressedReport): Promise<Files> {
  const svgs = await pictures(() => compressedCharts(report));
  return { 'compressed.json': report, 'compressed.md': `${compressedText(report)}\n`, ...svgs };
}

comparison('tuning', 'the tuner beside a full grid over M, efConstruction and efSearch: time, and the choice of each', {
  sets: 'fashion-mnist',
  queries: 2000,
  repeats: 7,
  singles: 1000,
})
  .option('--min-recall <share>', 'that both look for', Number, 0.95)
  .action(async (options) => {
    const given = parsed(options);
    const report = await benchTuning({ ...given, threads: Math.max(...given.threads), minRecall: options.minRecall });
    console.log(tuningText(report));
    write(options.out, { 'tuning.json': report, ...(await pictures(() => tuningCharts(report))) });
  });

gpuCommand(program.command('gpu'));

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
    const svgs = await pictures(async () => [{ name: 'kernels', svg: await kernelChart(report) }]);
    write(options.out, { 'kernels.json': report, ...svgs });
  });

/** Runs one command and tells its exit code; `name` is how the user calls the bench. */
export async function bench(args: readonly string[], name = 'bench'): Promise<number> {
  process.once('SIGINT', () => process.exit(130)); // runs the exit handlers, which remove temporary files
  try {
    await program.name(name).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`);
    return 1;
  }
}
