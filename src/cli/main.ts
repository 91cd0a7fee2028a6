#!/usr/bin/env node
/** The command line: names, options and help of every command. What a command does is loaded when it is called. */
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { version } from '../names.ts';
import * as options from './options.ts';
import { perform } from './perform.ts';

const LEAST_NODE = 22;
if (Number.parseInt(process.versions.node, 10) < LEAST_NODE) {
  console.error(`isodex: Node ${process.versions.node} is too old; take Node ${LEAST_NODE} or later`);
  process.exit(1);
}

const program = new Command('isodex')
  .description('Vector search with the same answer on every device.')
  .version(version)
  .showSuggestionAfterError()
  .enablePositionalOptions() // bench has options of its own
  .configureOutput({ outputError: (text, write) => write(`isodex: ${oneLine(text)}\n`) })
  .exitOverride();

const INPUT_HELP = `
Files of vectors: .fvecs .bvecs .fbin .u8bin .i8bin .npy, IDX (.idx, -ubyte, also .gz), .hdf5, .jsonl, .parquet;
'file.hdf5#train' names a data set, a field (JSON Lines) or a column (Parquet) inside a file.`;

program
  .command('build')
  .description('build an index file from a file of vectors')
  .argument('<input>', 'file of vectors')
  .addOption(options.index)
  .addOption(options.tuning)
  .addOption(options.builtMetric)
  .addOption(options.m)
  .addOption(options.efConstruction)
  .addOption(options.storedEfSearch)
  .addOption(options.storedNprobe)
  .addOption(options.storedRefineFactor)
  .addOption(options.trainSize)
  .requiredOption('--out <file>', 'index file to write')
  .addOption(options.engine)
  .addOption(options.threads)
  .addOption(options.seed)
  .addOption(options.limit('rows of the input'))
  .option('--ids <file>', 'text file of keys, one a line, stored with the rows')
  .addHelpText(
    'after',
    `
Kinds of index: Flat (exact), HNSW<M> (a graph, approximate and fast; HNSW is HNSW32), HNSW<M>,SQ8 (its codes alone, without
the vectors); IVF<nlist>,Flat (lists), and codes that take less memory: SQ8, PQ<M> (M bytes a vector), OPQ<M>,PQ<M>,
IVF<nlist>,PQ<M>, HNSW<M>,PQ<M> (a graph over codes; OPQ+HNSW is OPQ32,HNSW16,PQ32), each also with ,RFlat (the vectors are kept too, and settle the order).
Also: SQ4, SQfp16, LVQ8, LVQ4, PQ<M>x4 (4 bits), LSH<bits>, and PCA<d>, RR or OPQ<M> in front. The same file, options and seed give the same bytes, whatever the engine and the number of threads.`,
  )
  .addHelpText('after', INPUT_HELP)
  .action((input, given) => perform(async (task) => (await import('./build.ts')).build(input, given, task)));

program
  .command('search')
  .description('find the nearest rows of each query')
  .argument('<file>', 'index file')
  .argument('<queries>', 'file of vectors')
  .addOption(options.k)
  .addOption(options.engine)
  .addOption(options.threads)
  .addOption(options.limit('queries'))
  .addOption(options.efSearch)
  .addOption(options.nprobe)
  .addOption(options.refineFactor)
  .addOption(options.stats)
  .addOption(options.format)
  .option(
    '--out <path>',
    'file to write instead of standard output; for ivecs the distances go beside it as .fvecs, for ibin behind the labels',
  )
  .addHelpText('after', INPUT_HELP)
  .action((file, queries, given) => perform(async (task) => (await import('./search.ts')).search(file, queries, given, task)));

program
  .command('eval')
  .description('measure recall, throughput and latency')
  .argument('<file>', 'index file')
  .argument('<queries>', 'file of vectors')
  .requiredOption('--truth <path>', "file of true neighbours (row numbers; .ivecs .ibin .npy .hdf5#neighbors), or 'compute'")
  .addOption(options.k)
  .addOption(options.engine)
  .addOption(options.threads)
  .addOption(options.limit('queries'))
  .addOption(options.efSearch)
  .addOption(options.nprobe)
  .addOption(options.refineFactor)
  .addOption(options.stats)
  .option('--json', 'print JSON')
  .addOption(options.annBenchmarks)
  .addOption(options.buildTime)
  .addHelpText('after', INPUT_HELP)
  .addHelpText(
    'after',
    `
Recall counts ties as hits: a returned row is a hit when its distance is not above that of the true k-th row.
Labels of a truth file are row numbers of the data the index was built from, which are its default labels.
With 'compute' every row is compared with every query by canonical arithmetic, on an engine of another kind.`,
  )
  .action((file, queries, given) => perform(async (task) => (await import('./eval.ts')).evaluate(file, queries, given, task)));

program
  .command('tune')
  .description('find the index that meets a wish on your vectors; exit code 2 where none does')
  .argument('[input]', 'file of vectors')
  .addOption(options.synthetic)
  .option('--queries <file>', 'file of queries (default: up to 1,000 of the vectors, which are then left out)')
  .addOption(options.minRecall)
  .addOption(options.targetP99)
  .addOption(options.maxMemory)
  .addOption(options.maxBuild)
  .addOption(options.objective)
  .addOption(options.indexes)
  .addOption(options.budget)
  .addOption(options.metric)
  .addOption(options.k)
  .addOption(options.engine)
  .addOption(options.threads)
  .addOption(options.seed)
  .addOption(options.limit('rows of the input'))
  .option('--out <file>', 'JSON file to write; trials are kept beside it, so that a run that was interrupted goes on')
  .addHelpText(
    'after',
    `
Candidates are built on growing parts of the vectors, and the better half goes on, by recall and counts of distances, which are the same
on every machine; what is left is built on all vectors and timed. Recall is measured against exact search, ties counted as hits.`,
  )
  .addHelpText('after', INPUT_HELP)
  .action((input, given) => perform(async (task) => (await import('./tune.ts')).tune(input, given, task)));

program
  .command('verify')
  .description('search on every engine of this machine and compare labels and distance bits; exit code 1 at any difference')
  .argument('<file>', 'index file')
  .argument('<queries>', 'file of vectors')
  .addOption(options.k)
  .addOption(options.limit('queries (the reference engine is slow)'))
  .addOption(options.efSearch)
  .addOption(options.nprobe)
  .addOption(options.refineFactor)
  .addOption(options.stats)
  .addHelpText(
    'after',
    `
The reference engine is plain TypeScript, ten to forty times slower than the CPU engine, and a GPU driver that computes in
software is slower still: --limit 20 compares the first 20 queries only, in seconds. Of graphs the hops are compared as well;
the number of distances may differ, since engines may forget which nodes they have seen and look at them twice.`,
  )
  .addHelpText('after', INPUT_HELP)
  .action((file, queries, given) => perform(async (task) => (await import('./verify.ts')).verify(file, queries, given, task)));

program
  .command('pipe')
  .description('build and search an index for another program, over standard input and output')
  .argument('[file]', 'index file (default: an empty index of the options)')
  .addOption(options.pipeIndex)
  .addOption(options.pipeMetric)
  .addOption(options.pipeDim)
  .addOption(options.m)
  .addOption(options.efConstruction)
  .addOption(options.efSearch)
  .addOption(options.nprobe)
  .addOption(options.refineFactor)
  .addOption(options.pipeTrainSize)
  .addOption(options.seed)
  .addOption(options.pipeEngine)
  .addOption(options.pipeThreads)
  .addHelpText(
    'after',
    `
A binary protocol, little-endian. A request is u32 operation, u32 bytes that follow, and those bytes; each gets one answer, in
order: u32 status (0 done, 1 error), u32 bytes that follow, and those bytes (of an error its message, UTF-8). Operations:
  1 rows      f32 [n, dim], held until build                     -> u32 rows held
  2 build     nothing; learns from the held rows and takes them  -> u32 rows of the index
  3 search    u32 k, f32 [nq, dim]                               -> i32 labels [nq, k], -1 where there are fewer
  4 search    the same                                           -> labels, then f32 distances [nq, k]
  5 settings  u32 efSearch, u32 nprobe, f32 refineFactor (0: the index's)
  6 info      nothing                                            -> JSON
  7 save      path of the index file, UTF-8
Ends when its input does. integrations/ann-benchmarks has a client in Python.`,
  )
  .action((file, given) => perform(async (task) => (await import('./pipe.ts')).pipe(file, given, task)));

program
  .command('info')
  .description('tell what an index file holds, and check it')
  .argument('<file>', 'index file')
  .option('--json', 'print JSON')
  .action((file, given) => perform(async () => (await import('./info.ts')).info(file, given)));

program
  .command('estimate')
  .description('tell what an index would take in memory and on disk, by part, before it is made')
  .argument('<index>', "description, such as 'IVF1024,PQ32'")
  .addOption(options.rows)
  .addOption(options.dim)
  .option('--json', 'print JSON')
  .action((description, given) => perform(async () => (await import('./estimate.ts')).estimateIndex(description, given)));

program
  .command('compact')
  .description('let go of rows that were removed or replaced; a graph is built anew')
  .argument('<file>', 'index file')
  .option('--out <file>', 'index file to write instead of this one')
  .addOption(options.engine)
  .addOption(options.threads)
  .action((file, given) => perform(async (task) => (await import('./compact.ts')).compact(file, given, task)));

program
  .command('doctor')
  .description('tell what this machine offers, and the command that would supply what is missing')
  .option('--json', 'print JSON')
  .action((given) => perform(async (task) => (await import('./doctor.ts')).doctor(given, task)));

program
  .command('bench')
  .description('measure Isodex beside other libraries, exactly or at equal recall; bench --help tells more')
  .argument('[arguments...]', 'command and options of the bench')
  .helpOption(false)
  .allowUnknownOption()
  .passThroughOptions()
  .action((args) => perform(async () => (await import('./bench.ts')).bench(join(import.meta.dirname, 'bench', 'program.js'), args)));

try {
  await program.parseAsync();
} catch (error) {
  // What was wrong is said already; help and version are no errors.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 1;
}

/** Commander puts suggestions on a line of their own, and asks for help on another. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
}
