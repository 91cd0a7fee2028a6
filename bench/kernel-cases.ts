/**
 * Each kernel on data of a realistic shape, timed by tinybench. This file uses the engine's inner modules, which need the
 * build's plugins: bench/kernels.ts builds it with Vite before running it.
 */
import { Bench } from 'tinybench';
import type { Block } from '../src/host/block.ts';
import { CpuEngine } from '../src/host/cpu/cpu-engine.ts';
import type { Engine } from '../src/host/engine.ts';
import { type BlocksOf, Recording } from '../src/host/recording.ts';
import { ReferenceEngine } from '../src/host/reference-engine.ts';
import { canonicalDistances } from '../src/kernels/canonical-distances.ts';
import type { ArrayOf, Bindings, Dtype, Kernel, ParamsOf } from '../src/kernels/kernel.ts';
import { BLOCK_ROWS } from '../src/kernels/panels.ts';
import { project } from '../src/kernels/project.ts';
import { sq8Encode } from '../src/kernels/sq8-encode.ts';
import { sq8Filter } from '../src/kernels/sq8-filter.ts';
import { sq8Gather } from '../src/kernels/sq8-gather.ts';
import { sq8Scan } from '../src/kernels/sq8-scan.ts';
import { topK } from '../src/kernels/top-k.ts';
import { randomUniforms } from '../src/util/random.ts';
import { type Machine, thisMachine } from './machine.ts';
import { type Summary, summarise } from './statistics.ts';

export interface KernelTiming {
  readonly kernel: string;
  readonly shape: string;
  readonly engine: string;
  /** Multiply-adds, or steps of like cost, as the kernel counts them. */
  readonly terms: number;
  readonly termsPerSecond: Summary;
  /** Seconds of each run. */
  readonly seconds: readonly number[];
}

export interface KernelReport {
  readonly bench: 'kernels';
  readonly date: string;
  readonly machine: Machine;
  readonly kernels: readonly KernelTiming[];
  /** Terms a second of the integer scan (sq8-filter) over those of the f32 scan (canonical-distances of all pairs). */
  readonly integerOverFloat: readonly { readonly engine: string; readonly dim: number; readonly ratio: number }[];
  /** The same kernel on the most threads over one thread. */
  readonly threads: readonly { readonly kernel: string; readonly threads: number; readonly ratio: number }[];
}

export interface KernelOptions {
  /** Milliseconds that each kernel is timed for. */
  readonly time: number;
  readonly threads: readonly number[];
  /** Rows of scans. */
  readonly rows: number;
}

interface Case {
  readonly kernel: Kernel;
  readonly shape: string;
  readonly params: Readonly<Record<string, number>>;
  readonly arrays: Readonly<Record<string, ArrayOf[Dtype]>>;
  /** Counts real work where the kernel's own count only estimates it. */
  readonly terms: number;
}

/** Arrays and parameters are checked against the kernel here, then handled alike. */
function makeCase<B extends Bindings, P extends string>(
  kernel: Kernel<B, P>,
  shape: string,
  params: ParamsOf<P>,
  arrays: { readonly [K in keyof B]: ArrayOf[B[K]['dtype']] },
  terms = kernel.terms(params),
): Case {
  return { kernel: kernel as unknown as Kernel, shape, params, arrays: arrays as Case['arrays'], terms };
}

const DIMS = [64, 784];

function casesOf(rows: number, nq: number): Case[] {
  return [...DIMS.flatMap((dim) => [...scans(rows, nq, dim), floatScan(rows, nq, dim)]), ...hostWork(nq), selection(nq)];
}

const uniform = randomUniforms(1);
const int = (low: number, high: number) => low + Math.floor(uniform() * (high - low + 1));
const ints = (n: number, low: number, high: number) => Int8Array.from({ length: n }, () => int(low, high));
const floats = (n: number) => Float32Array.from({ length: n }, () => uniform() - 0.5);

function scans(rows: number, nq: number, dim: number): Case[] {
  const words = dim / 4;
  const blocks = Math.floor(rows / BLOCK_ROWS);
  const n = blocks * BLOCK_ROWS;
  const queries = ints(nq * dim, 0, 127);
  const codes = ints(n * dim, -128, 127);
  const mask = new Uint32Array(n / 32).fill(0xffffffff);
  const rowTerms = new Int32Array(n).fill(dim * 2 ** 15); // keeps all sums of squares positive, and everything far
  const shape = `${n} rows × ${dim}, ${nq} queries`;
  const walk = { nq, words, step: 1, skip: 0, first: 0, blocks };
  const bounds = new Uint32Array(4 * nq);
  const none = { slacks: new Uint32Array(n), bounds, pairs: new Uint32Array(2 * BLOCK_ROWS * nq), count: new Uint32Array(1) };
  const few = Math.min(2 ** 16, n * 4);
  const pairs = Uint32Array.from({ length: 2 * few }, (_, i) => (i % 2 === 0 ? Math.floor((i * nq) / (2 * few)) : int(0, n - 1)));
  return [
    makeCase(
      sq8Filter,
      `${shape}, nothing survives`,
      { ...walk, form: 0, capacity: BLOCK_ROWS * nq },
      { queries, codes, rowTerms, mask, ...none },
    ),
    makeCase(sq8Scan, shape, { ...walk, weight: 2 }, { queries, codes, rowTerms, mask, keys: new Int32Array(nq * n) }),
    makeCase(
      sq8Gather,
      `${few} pairs of ${n} rows × ${dim}`,
      { words, weight: 2, capacity: few },
      { queries, codes, rowTerms, pairs, count: Uint32Array.of(few), keys: new Int32Array(few) },
      few * dim,
    ),
  ];
}

/** Every row against every query in canonical arithmetic, tile by tile so that both stay in the second-level cache. */
function floatScan(rows: number, nq: number, dim: number): Case {
  const width = Math.ceil(dim / 16) * 16;
  const n = Math.min(rows, 4096);
  const few = Math.min(nq, 64);
  const pairs = new Uint32Array(2 * n * few);
  let at = 0;
  for (let tile = 0; tile < n; tile += BLOCK_ROWS) {
    for (let q = 0; q < few; q++) {
      for (let row = tile; row < Math.min(n, tile + BLOCK_ROWS); row++) {
        pairs[at++] = q;
        pairs[at++] = row;
      }
    }
  }
  const arrays = { queries: floats(few * width), rows: floats(n * width), pairs, distances: new Float32Array(n * few) };
  return makeCase(canonicalDistances, `${n} rows × ${dim}, ${few} queries, all pairs`, { n: n * few, width, metric: 0 }, arrays);
}

function hostWork(nq: number): Case[] {
  const [n, dim, p] = [Math.max(64, 4 * nq), 784, 64];
  const words = dim / 4;
  const vectors = floats(n * dim);
  const encoded = {
    shift: new Float32Array(dim),
    scales: new Float32Array(n).fill(254),
    steps: new Float64Array(n).fill(1 / 254),
    codes: new Int8Array(n * dim),
    sums: new Int32Array(2 * n),
    errors: new Float64Array(n),
  };
  const projection = {
    mean: new Float32Array(dim),
    basis: floats(p * dim),
    projected: new Float32Array(n * (p + 4)),
    norms: new Float64Array(2 * n),
  };
  return [
    makeCase(sq8Encode, `${n} rows × ${dim}, panels`, { n, dim, words, layout: 1, low: -128, high: 127, bias: 0 }, { vectors, ...encoded }),
    makeCase(project, `${n} rows × ${dim} onto ${p}`, { n, dim, p }, { vectors, ...projection }),
  ];
}

function selection(nq: number): Case {
  const [m, k] = [4096, 36];
  const keys = Int32Array.from({ length: nq * m }, () => int(0, 2 ** 30));
  const out = nq * (m / 1024) * k;
  return makeCase(
    topK,
    `${nq} × ${m} keys, k ${k}`,
    { nq, m, k, implicit: 1 },
    { keys, ids: new Uint32Array(1), topKeys: new Int32Array(out), topIds: new Uint32Array(out) },
  );
}

export async function benchKernels({ time, threads, rows }: KernelOptions, say: (line: string) => void): Promise<KernelReport> {
  const machine = thisMachine();
  const engines: { name: string; engine: Engine; cases: Case[] }[] = [];
  const big = casesOf(rows, 256);
  for (const count of threads)
    engines.push({ name: `cpu, ${count} thread${count > 1 ? 's' : ''}`, engine: await CpuEngine.open({ threads: count }), cases: big });
  engines.push({ name: BASELINE, engine: await CpuEngine.open({ threads: 1, relaxedSimd: false }), cases: big });
  engines.push({ name: 'reference', engine: new ReferenceEngine(), cases: casesOf(Math.min(rows, 512), 16) }); // a hundred times slower
  const kernels: KernelTiming[] = [];
  for (let i = 0; i < big.length; i++) {
    say(`${big[i]!.kernel.name}: ${big[i]!.shape}`);
    for (const { name, engine, cases } of engines) kernels.push(await timeCase(name, engine, cases[i]!, time));
  }
  for (const { engine } of engines) engine.close();
  return {
    bench: 'kernels',
    date: new Date().toISOString(),
    machine,
    kernels,
    integerOverFloat: integerOverFloat(kernels),
    threads: speedUps(kernels, threads),
  };
}

const BASELINE = 'cpu, 1 thread, no relaxed SIMD';

async function timeCase(name: string, engine: Engine, { kernel, shape, params, arrays, terms }: Case, time: number): Promise<KernelTiming> {
  const blocks: Record<string, Block> = {};
  for (const [binding, { dtype }] of Object.entries(kernel.bindings)) {
    blocks[binding] = await engine.alloc<Dtype>(dtype, arrays[binding]!.length, binding);
    engine.write(blocks[binding], arrays[binding]!);
  }
  const recording = new Recording().dispatch(kernel, blocks as BlocksOf<Bindings>, params);
  const bench = new Bench({ time, iterations: 5, warmupTime: time / 5, warmupIterations: 1, retainSamples: true, throws: true });
  bench.add(kernel.name, () => engine.run(recording), { async: true });
  await bench.run();
  for (const block of Object.values(blocks)) block[Symbol.dispose]();
  const result = bench.tasks[0]!.result;
  if (!('latency' in result)) throw new Error(`${kernel.name} on ${name} gave no times`);
  const seconds = (result.latency.samples ?? []).map((ms) => ms / 1000);
  return {
    kernel: `${kernel.name} ${dimOf(shape)}`.trim(),
    shape,
    engine: name,
    terms,
    termsPerSecond: summarise(seconds.map((one) => terms / one)),
    seconds,
  };
}

/** '4096 rows × 784, …' → '× 784': what tells two shapes of a kernel apart. */
function dimOf(shape: string): string {
  return /rows (× \d+)/.exec(shape)?.[1] ?? '';
}

function integerOverFloat(kernels: readonly KernelTiming[]): KernelReport['integerOverFloat'] {
  const rate = (kernel: string, engine: string) =>
    kernels.find((one) => one.kernel === kernel && one.engine === engine)?.termsPerSecond.median ?? Number.NaN;
  const engines = [...new Set(kernels.map(({ engine }) => engine))].filter((engine) => engine !== 'reference');
  return engines.flatMap((engine) =>
    DIMS.map((dim) => ({ engine, dim, ratio: rate(`sq8-filter × ${dim}`, engine) / rate(`canonical-distances × ${dim}`, engine) })),
  );
}

function speedUps(kernels: readonly KernelTiming[], threads: readonly number[]): KernelReport['threads'] {
  const most = Math.max(...threads);
  if (most === 1) return [];
  return kernels
    .filter(({ engine }) => engine === `cpu, ${most} threads`)
    .flatMap(({ kernel, termsPerSecond }) => {
      const one = kernels.find((other) => other.kernel === kernel && other.engine === 'cpu, 1 thread');
      return one ? [{ kernel, threads: most, ratio: termsPerSecond.median / one.termsPerSecond.median }] : [];
    });
}
