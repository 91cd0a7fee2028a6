/** `bench gpu` on the command line. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { builtLibrary, count, counts, list, say } from '../options.ts';
import { CACHE, LIBRARY } from '../places.ts';
import { save, writeData } from '../results.ts';
import { benchGpu, PARTS } from './bench.ts';
import type { GpuReport } from './report.ts';
import { gpuText } from './text.ts';

const MORE = `
Parts are measured in the order above. With --budget those that no longer fit are skipped, and the report says so; a build on the GPU gets
0.4 of the time that is left, and the CPU builds where that is not enough. --graph keeps the graph between runs.

hnswlib-node is taken from --peers, or where it is installed already; else one thread of Isodex builds in its place. PyTorch is
measured where --python has it and finds a CUDA device. With --software give small numbers, such as --rows 1000 --dim 32 --batches 1,16
--m 8 --ef-construction 32 --efs 16 --build-rows 500: a software driver is a thousand times slower. Device times want the adapter's timestamp-query.`;

export function gpuCommand(command: Command): Command {
  return command
    .description(
      'a GPU beside the CPU of the same machine: the same bits, rates of the device, searches and builds; on data made on the spot',
    )
    .option('--parts <names>', `of ${PARTS.join(', ')}`, PARTS.join(','))
    .option('--rows <n>', 'rows', count, 1_000_000)
    .option('--dim <n>', 'values of a row', count, 128)
    .option('--data <file>', 'file of vectors instead, whose last rows are the queries')
    .option('--batches <sizes>', 'queries of a batch', counts, [1, 16, 256, 4096, 10_000, 65_536])
    .option('--m <n>', 'of the graph', count, 32)
    .option('--ef-construction <n>', 'of the graph', count, 200)
    .option('--efs <list>', 'efSearch', counts, [16, 32, 64, 128])
    .option('--graph <file>', 'where the graph is kept: read from there, or left there once it is built')
    .option('--no-build', 'build graphs on the CPU alone')
    .option('--build-rows <n>', 'rows of the builds that are compared with one thread', count, 50_000)
    .option('--peers <folder>', 'folder whose node_modules has hnswlib-node')
    .option('--python <path>', 'a Python that may have PyTorch with CUDA', 'python3')
    .option('--budget <seconds>', 'for everything (default: as long as it takes)', count)
    .option('--software', 'run a GPU that is a software driver too')
    .addOption(new Option('--library <path>', 'the built library').default(LIBRARY, 'dist/node.js'))
    .option('--out <folder>', 'where results go', join('out', 'bench'))
    .addHelpText('after', MORE)
    .action(run);
}

async function run({ out, library, software = false, ...options }: ReturnType<Command['opts']>): Promise<void> {
  const asked = list(options.parts);
  const unknown = asked.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`--parts: there is no '${unknown}'; give some of ${PARTS.join(', ')}`);
  const parts = PARTS.filter((part) => asked.includes(part));
  const keep = (report: GpuReport) => save(out, { 'gpu.json': report });
  const { rows, dim, data, batches, m, efConstruction, efs, graph, build, buildRows, peers, python, budget } = options;
  const sizes = { rows, dim, data, batches, m, efConstruction, efs, buildRows };
  const around = { library: builtLibrary(library), software, cache: CACHE, peers, python, budget, graph, build };
  const report = await benchGpu({ ...sizes, ...around, parts, keep, say });
  console.log(gpuText(report));
  writeData(out, { 'gpu.json': report });
  if (report.failed.length > 0) throw new Error(`${report.failed.map(({ what }) => what).join(', ')} failed`);
}
