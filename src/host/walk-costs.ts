/** What walks over graphs cost on an engine: measured on a made-up graph, small enough to make and large enough to tell. */
import { NONE, PAGE_ROWS, searchScratchWords } from '../kernels/graph.ts';
import { foundWords, graphBeam, visitedPlaces } from '../kernels/graph-beam.ts';
import { graphSearch } from '../kernels/graph-search.ts';
import type { ArrayOf, Dtype } from '../kernels/kernel.ts';
import { randomWord } from '../util/random.ts';
import type { Block } from './block.ts';
import { rangeOf } from './block.ts';
import type { WalkCosts } from './costs.ts';
import type { Engine } from './engine.ts';
import { Recording } from './recording.ts';

const NODES = 4096;
const STRIDE = 128;
const DEGREE = 32;
const EF = 64;
/** Queries that are tried at most, four times as many each time. */
const MOST = { host: 1024, device: 16_384 };

/** Milliseconds that `queries` walks of `terms` each take together. */
export function walkMs({ walkPerMs, alonePerMs }: WalkCosts, queries: number, terms: number): number {
  return Math.max(terms / alonePerMs, (queries * terms) / walkPerMs);
}

/** Takes some milliseconds, on slow drivers seconds. */
export async function measureWalks(engine: Engine): Promise<WalkCosts> {
  const made: Block[] = [];
  try {
    const walk = engine.host === engine ? await hostWalks(engine, made) : await deviceWalks(engine, made);
    const most = engine.host === engine ? MOST.host : MOST.device;
    const terms = graphSearch.terms(walkParams(1, engine.info.threads));
    await walk(1); // compiles
    const alone = await fastest(() => walk(1));
    let queries = 1;
    let ms = alone;
    // Beyond what an engine does side by side, four times as many take four times as long.
    while (queries < most && ms < 4 * alone) {
      queries *= 4;
      ms = await fastest(() => walk(queries));
    }
    return { walkPerMs: (queries * terms) / ms, alonePerMs: terms / alone };
  } finally {
    for (const block of made) block[Symbol.dispose]();
  }
}

type Walks = (queries: number) => Promise<void>;

function walkParams(nq: number, slots: number) {
  const slotWords = searchScratchWords(NODES, 1, STRIDE, DEGREE, EF, false);
  const graph = { n: NODES, stride: STRIDE, form: 1, degree: DEGREE, basePages: NODES / PAGE_ROWS, entry: 0, entryLevel: 0 };
  return { nq, ...graph, level: 0, ef: EF, filtered: 0, slots, slotWords };
}

async function put<D extends Dtype>(engine: Engine, made: Block[], dtype: D, data: ArrayOf[D] | number): Promise<Block<D>> {
  const block = await engine.alloc(dtype, typeof data === 'number' ? data : data.length, 'cost: a graph');
  made.push(block);
  if (typeof data !== 'number') engine.write(block, data);
  return block;
}

/** Rows i8 [NODES, STRIDE] without terms, and links u32 [NODES, DEGREE] that lead anywhere. */
function madeUp(most: number) {
  const codes = Int8Array.from({ length: NODES * STRIDE }, (_, i) => (i % STRIDE < STRIDE - 4 ? randomWord(1, i) : 0));
  const links = Uint32Array.from({ length: NODES * DEGREE }, (_, i) => randomWord(2, i) % NODES);
  const queries = new Int8Array(most * STRIDE);
  for (let at = 0; at < queries.length; at += codes.length) queries.set(codes.subarray(0, queries.length - at), at);
  return { codes, links, queries };
}

async function hostWalks(engine: Engine, made: Block[]): Promise<Walks> {
  const { codes, links, queries } = madeUp(MOST.host);
  const { threads } = engine.info;
  const blocks = {
    queries: await put(engine, made, 'i8', queries),
    codes: await put(engine, made, 'i8', codes),
    links: await put(engine, made, 'u32', links),
    pages: await put(
      engine,
      made,
      'u32',
      Uint32Array.from({ length: NODES / PAGE_ROWS }, (_, page) => page),
    ),
    upperRows: await put(engine, made, 'u32', new Uint32Array(NODES).fill(NONE)),
    admitted: await put(engine, made, 'u32', 1),
    keys: await put(engine, made, 'i32', MOST.host * EF),
    ids: await put(engine, made, 'u32', MOST.host * EF),
    stats: await put(engine, made, 'u32', 2 * MOST.host),
    scratch: await put(engine, made, 'u32', threads * walkParams(1, threads).slotWords),
  };
  return (nq) => engine.run(new Recording().dispatch(graphSearch, blocks, walkParams(nq, threads)));
}

async function deviceWalks(engine: Engine, made: Block[]): Promise<Walks> {
  const { codes, links, queries } = madeUp(MOST.device);
  const words = foundWords(EF);
  const blocks = {
    queries: await put(engine, made, 'i8', queries),
    codesA: await put(engine, made, 'i8', codes),
    codesB: await put(engine, made, 'i8', 16),
    linksA: await put(engine, made, 'u32', links),
    linksB: await put(engine, made, 'u32', DEGREE),
    tables: await put(engine, made, 'u32', new Uint32Array(NODES).fill(NONE)),
    found: await put(engine, made, 'u32', MOST.device * words),
    spill: await put(engine, made, 'u32', 1),
  };
  const places = { quads: STRIDE / 16, split: NODES, linkSplit: NODES, upperBase: NODES, admittedAt: 0, first: 0 };
  const beam = { capacity: EF, visited: visitedPlaces(EF, DEGREE) };
  return async (nq) => {
    const { n, form, degree, entry, entryLevel, level, ef, filtered } = walkParams(nq, 1);
    const params = { nq, n, form, degree, entry, entryLevel, level, ef, filtered, ...places, ...beam };
    await engine.run(new Recording().dispatch(graphBeam, blocks, params));
    await engine.read([rangeOf(blocks.found, 0, nq * words)]);
  };
}

/** Milliseconds of the faster of two. */
async function fastest(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return Math.max(0.001, best);
}
