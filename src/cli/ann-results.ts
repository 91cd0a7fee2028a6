/** Results as ann-benchmarks keeps them: one HDF5 file for each run, which its own programs read and draw. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { annDistanceOf } from '../io/ann-benchmarks.ts';
import { writeHdf5 } from '../io/hdf5-write.ts';
import { splitPart } from '../io/path-part.ts';
import { readVectors } from '../io/vector-source.ts';
import { IsodexError, type Neighbors, type VectorIndex, version } from '../node.ts';
import { type AnnRecall, annRecall, PAIR_DISTANCES } from '../tune/ann-benchmarks.ts';
import { type Queries, withVectors } from './inputs.ts';
import type { GraphArgs } from './options.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { meanOf } from './table.ts';

/** Vectors that are read at a time. */
const BATCH_ROWS = 8192;
const ALGORITHM = 'isodex';

/** A set of ann-benchmarks that an index is measured on. */
export interface AnnSet {
  readonly path: string;
  readonly name: string;
  readonly distance: keyof typeof PAIR_DISTANCES;
  /** Of the true neighbours, sorted, f32 [nq, columns]. */
  readonly truth: Float32Array;
  readonly columns: number;
}

/** @throws IsodexError `bad-argument` where the queries are not those of a set, or it has too few neighbours of each */
export async function openAnnSet(queriesPath: string, k: number, limit: number | undefined, { signal }: Task): Promise<AnnSet> {
  const { path, part } = splitPart(queriesPath);
  const distance = part === 'test' ? await annDistanceOf(path) : undefined;
  if (distance === undefined || distance === 'jaccard') {
    const why = distance ? 'compares sets by jaccard' : 'are no queries of a set of ann-benchmarks';
    throw new IsodexError('bad-argument', `--ann-benchmarks: ${queriesPath} ${why}; give SET.hdf5#test of one that compares vectors`);
  }
  const { vectors: truth, dim: columns } = await readVectors(`${path}#distances`, { limit, signal });
  if (columns < k)
    throw new IsodexError('bad-argument', `${path} has ${columns} true neighbours of each query; give --k ${columns} at most`);
  return { path, name: basename(path).replace(/\.[^.]+$/, ''), distance, truth, columns };
}

/** What a run measured. */
export interface AnnRun {
  readonly set: AnnSet;
  /** The index's file: two may differ in what their descriptions do not tell. */
  readonly file: string;
  readonly index: VectorIndex;
  readonly queries: Queries;
  readonly found: Neighbors;
  readonly search: GraphArgs;
  /** Seconds of each query, searched for alone. */
  readonly singles: Float32Array;
  /** Seconds of the fastest of some searches for all queries. */
  readonly batch: { readonly seconds: number; readonly runs: number };
  /** Seconds that building took, where the caller knows. */
  readonly buildSeconds: number | undefined;
}

export interface AnnReport extends AnnRecall {
  readonly files: readonly string[];
}

/** Writes two files below `folder`, of single queries and of the batch, and gives recall as those who read them will find it. */
export async function writeAnnResults(folder: string, run: AnnRun, task: Task): Promise<AnnReport> {
  const { set, found, singles, batch } = run;
  const distances = await distancesOfFound(run, task);
  const nq = singles.length;
  const modes = [
    { isBatch: false, times: singles, runs: 1 },
    { isBatch: true, times: new Float32Array(nq).fill(batch.seconds / nq), runs: batch.runs },
  ];
  const files: string[] = [];
  for (const { isBatch, times, runs } of modes) {
    const path = join(folder, set.name, String(found.k), isBatch ? `${ALGORITHM}-batch` : ALGORITHM, `${fileName(run)}.hdf5`);
    await mkdir(dirname(path), { recursive: true }).catch((cause: Error) => {
      throw new IsodexError('bad-file', `cannot write ${path}: ${cause.message}`, { cause });
    });
    await writeHdf5(path, {
      attributes: { ...attributesOf(run), batch_mode: isBatch, best_search_time: meanOf(times), run_count: runs },
      datasets: {
        times: { values: times, shape: [nq] },
        neighbors: { values: found.labels, shape: [nq, found.k] },
        distances: { values: distances, shape: [nq, found.k] },
      },
    });
    files.push(path);
  }
  return { ...annRecall({ k: found.k, found: distances, truth: set.truth, columns: set.columns }), files };
}

function attributesOf(run: AnnRun) {
  const { set, index, found, buildSeconds } = run;
  return {
    algo: ALGORITHM,
    name: `Isodex(${[index.description, ...settingsOf(run)].join(', ')})`,
    dataset: set.name,
    distance: set.distance,
    count: found.k,
    candidates: found.labels.filter((label) => label >= 0).length / (found.labels.length / found.k),
    expect_extra: false,
    build_time: buildSeconds ?? Number.NaN,
    /** Kilobytes. */
    index_size: index.stats().memoryBytes / 1024,
    isodex_version: version,
    isodex_engine: `${found.engine} (${index.engine.info.description})`,
  };
}

function settingsOf({ search: { efSearch, nprobe, refineFactor } }: AnnRun): string[] {
  const given = { ef_search: efSearch, nprobe, refine_factor: refineFactor };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

/** Runs that differ have different names, of letters and digits as there. */
function fileName(run: AnnRun): string {
  return [basename(run.file).replace(/\.isodex$/, ''), run.index.description, run.index.metric, ...settingsOf(run)]
    .join('_')
    .replace(/\W+/g, '_');
}

/**
 * Distances f32 [nq, k] of what was found, of the set's own vectors, as those programs compute them: so they are comparable with the
 * set's whatever the index measures by, codes included.
 */
async function distancesOfFound({ set, index, queries, found }: AnnRun, { signal }: Task): Promise<Float32Array> {
  const distances = new Float32Array(found.labels.length).fill(Infinity);
  const distance = PAIR_DISTANCES[set.distance];
  // Places of each row among the results, so that the file is read once, from its beginning to its end.
  const places = placesOf(found.labels);
  let row = 0;
  using progress = new Progress('distances of results');
  await withVectors(`${set.path}#train`, async (source) => {
    for await (const batch of source.batches({ rows: BATCH_ROWS, signal })) {
      for (let at = 0; at < batch.length; at += source.dim, row++) {
        for (const place of places.get(row) ?? []) {
          const query = Math.floor(place / found.k) * queries.dim;
          distances[place] = distance(queries.vectors.subarray(query, query + queries.dim), batch.subarray(at, at + source.dim));
        }
      }
      progress.update(row, source.size);
    }
  });
  const stranger = found.labels.find((label) => label >= row);
  if (stranger === undefined) return distances;
  throw new IsodexError(
    'bad-argument',
    `the index (${index.size} rows) found row ${stranger}, and ${set.path}#train has ${row}; give an index built from it`,
  );
}

function placesOf(labels: Int32Array): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (const [place, label] of labels.entries()) {
    if (label < 0) continue;
    const known = places.get(label);
    if (known) known.push(place);
    else places.set(label, [place]);
  }
  return places;
}
