/** Builds beside one thread of hnswlib: of a part of the rows, for one thread takes long. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type * as Isodex from '../../src/node.ts';
import { writeNumbers } from '../files.ts';
import type { IndexRequests } from '../index-protocol.ts';
import { buildApart, installedIn, type Library, NPM_LIBRARIES } from '../libraries.ts';
import { packageFolder } from '../packages.ts';
import { ROOT } from '../places.ts';
import { inScratch } from '../session.ts';
import type { Agenda } from './agenda.ts';
import type { Data } from './data.ts';
import { build, descriptionOf, type Engines, type GraphOptions } from './graph.ts';
import type { BuildReport } from './report.ts';
import { deviceTime } from './search.ts';

export interface BuildOptions extends GraphOptions {
  /** Rows of the builds that are compared. */
  readonly buildRows: number;
  /** A folder with node_modules/hnswlib-node. */
  readonly peers: string | undefined;
  /** Where peers of other benches are installed. */
  readonly cache: string;
}

/** All in order: the GPU, its device time, the CPU, one thread. */
export async function compareBuilds(
  library: typeof Isodex,
  engines: Engines,
  data: Data,
  options: BuildOptions,
  agenda: Agenda,
  built: (report: BuildReport) => void,
): Promise<void> {
  const part = partOf(data, options.buildRows);
  const attempt = (what: string, work: () => Promise<BuildReport>) => agenda.attempt(what, async () => built(await work()));
  if (options.build) await attempt('builds of a part on the GPU', () => onGpu(library, engines.gpu, part, options));
  await attempt('a build of a part by one thread', () => byOneThread(library, part, options, agenda));
  await attempt('a build of a part on the CPU', () => apart(library, engines.cpu, part, options));
  if (!options.build || part.rows === data.rows) return; // there is nothing that a build of all rows could be compared with
  await attempt('a build of all rows on the CPU', () => apart(library, engines.cpu, data, options));
}

function partOf(data: Data, most: number): Data {
  const rows = Math.min(most, data.rows);
  return { ...data, rows, base: data.base.subarray(0, rows * data.dim) };
}

/** Builds, keeps the report and lets the index go. */
async function apart(library: typeof Isodex, engine: Isodex.Engine, data: Data, options: GraphOptions): Promise<BuildReport> {
  const { index, built } = await build(library, engine, data, options);
  index[Symbol.dispose]();
  return built;
}

/** Twice: by the wall, and then kernel by kernel. */
async function onGpu(library: typeof Isodex, gpu: Isodex.Engine, data: Data, options: GraphOptions): Promise<BuildReport> {
  const built = await apart(library, gpu, data, options);
  const device = await deviceTime(gpu, () => apart(library, gpu, data, options));
  return { ...built, ...(device && { device }) };
}

/** hnswlib where it is at hand; else our own CPU build, which stands in for it. */
async function byOneThread(library: typeof Isodex, data: Data, options: BuildOptions, agenda: Agenda): Promise<BuildReport> {
  const hnswlib = hnswlibHere(options);
  if (hnswlib) return byHnswlib(hnswlib, data, options);
  agenda.skip('hnswlib', 'hnswlib-node is not here (--peers FOLDER): one thread of Isodex stands in for it');
  using one = await library.openEngine({ prefer: 'cpu', threads: 1 });
  return await apart(library, one, data, options); // the engine stays open until it has ended
}

/** In the folder of --peers, beside this package, or where another bench has installed it. Nothing is installed here. */
function hnswlibHere({ peers, cache }: BuildOptions): Library | undefined {
  const wanted = NPM_LIBRARIES['hnswlib-node'];
  const folders = [...(peers ? [resolve(peers)] : []), ROOT, packageFolder(wanted.package, cache)];
  const folder = folders.find((one) => existsSync(join(one, 'node_modules', wanted.package.name, 'package.json')));
  return folder === undefined ? undefined : installedIn(folder, 'hnswlib-node', wanted);
}

async function byHnswlib(hnswlib: Library, { base, rows, dim }: Data, options: GraphOptions): Promise<BuildReport> {
  const index = descriptionOf(options);
  options.say(`${index}: building ${rows} rows by hnswlib-node, one thread`);
  return inScratch(async (folder) => {
    const file = join(folder, 'base.f32');
    writeNumbers(file, base);
    const shape = { dim, metric: 'l2', description: index, efConstruction: options.efConstruction };
    const { seconds } = await buildApart<IndexRequests>(hnswlib, 1, { ...shape, base: file, path: join(folder, 'index') });
    return { index, by: 'hnswlib', label: 'hnswlib-node, 1 thread', rows, threads: 1, seconds };
  });
}
