/**
 * One case for each kernel that is long enough for the CPU engine to wake its threads (tests/kernels keeps to short ones,
 * which run on the calling thread). Their outputs say whether threads on shared memory give what one gives.
 */
import { canonicalDistances } from '../../../src/kernels/canonical-distances.ts';
import { project } from '../../../src/kernels/project.ts';
import { sq8Encode } from '../../../src/kernels/sq8-encode.ts';
import { sq8Filter } from '../../../src/kernels/sq8-filter.ts';
import { sq8Gather } from '../../../src/kernels/sq8-gather.ts';
import { sq8Scan } from '../../../src/kernels/sq8-scan.ts';
import { topK } from '../../../src/kernels/top-k.ts';
import { makeVectors, randomFrom } from '../../contract/data.ts';
import { scanCase } from '../../kernels/scan-cases.ts';
import { casesOf, kernelContract } from './kernels.ts';

const name = 'long';

/** Registers the long cases; the kernel tests must be collected before. */
export function addLongCases(): void {
  longCanonicalDistances();
  longProject();
  longEncode();
  longScan();
  longFilter();
  longGather();
  longTopK();
}

function longCanonicalDistances(): void {
  const random = randomFrom(1);
  const [n, width] = [3000, 784];
  const pairs = Uint32Array.from({ length: 2 * n }, () => random.int(0, 63));
  const arrays = {
    queries: makeVectors('mixed', 64, width),
    rows: makeVectors('mixed', 64, width, 1),
    pairs,
    distances: new Float32Array(n),
  };
  kernelContract(canonicalDistances, [{ name, params: { n, width, metric: 0 }, arrays }]);
}

function longProject(): void {
  const [n, dim, p] = [400, 200, 32];
  const arrays = {
    vectors: makeVectors('clusters', n, dim),
    mean: makeVectors('clusters', 1, dim, 1),
    basis: makeVectors('unit', p, dim, 2),
    projected: new Float32Array(n * (p + 4)),
    norms: new Float64Array(2 * n),
  };
  kernelContract(project, [{ name, params: { n, dim, p }, arrays }]);
}

function longEncode(): void {
  const [n, dim, words] = [3000, 199, 50];
  const scale = Math.fround(30);
  const arrays = {
    vectors: makeVectors('normal', n, dim),
    shift: makeVectors('normal', 1, dim, 1),
    scales: new Float32Array(n).fill(scale),
    steps: new Float64Array(n).fill(1 / scale),
    codes: new Int8Array(n * words * 4),
    sums: new Int32Array(2 * n),
    errors: new Float64Array(n),
  };
  kernelContract(sq8Encode, [{ name, params: { n, dim, words, layout: 1, low: -128, high: 127, bias: 0 }, arrays }]);
}

function longScan(): void {
  const shape = { nq: 66, words: 32, step: 1, skip: 0, first: 0, blocks: 8 };
  const { queries, codes, rowTerms, mask } = scanCase(shape, 1).arrays;
  const keys = new Int32Array(shape.nq * shape.blocks * 64);
  kernelContract(sq8Scan, [{ name, params: { ...shape, weight: 4 }, arrays: { queries, codes, rowTerms, mask, keys } }]);
}

/** The widest short cases with their queries, four to a panel, many times over: bounds stay such as an index makes. */
function longFilter(): void {
  const times = 8;
  for (const { one, normalise } of casesOf(sq8Filter).filter(({ one }) => one.params.nq >= 64 && one.params.capacity > 8)) {
    const { words, blocks } = one.params;
    const nq = one.params.nq & ~3;
    const queries = new Int8Array(times * nq * words * 4);
    const bounds = new Uint32Array(times * nq * 4);
    for (let i = 0; i < times; i++) {
      queries.set(one.arrays.queries.subarray(0, nq * words * 4), i * nq * words * 4);
      bounds.set(one.arrays.bounds.subarray(0, nq * 4), i * nq * 4);
    }
    const capacity = nq * times * blocks * 64;
    const arrays = { ...one.arrays, queries, bounds, pairs: new Uint32Array(2 * capacity) };
    kernelContract(sq8Filter, [{ name: `${name}, ${one.name}`, params: { ...one.params, nq: nq * times, capacity }, arrays }], normalise);
  }
}

function longGather(): void {
  const random = randomFrom(2);
  const [nq, n, words, capacity] = [16, 256, 100, 100_000];
  const codes = (rows: number) => Int8Array.from({ length: rows * words * 4 }, () => random.int(-128, 127));
  const arrays = {
    queries: codes(nq),
    codes: codes(n),
    rowTerms: Int32Array.from({ length: n }, () => random.int(0, 2 ** 24)),
    pairs: Uint32Array.from({ length: 2 * capacity }, (_, i) => random.int(0, (i % 2 ? n : nq) - 1)),
    count: Uint32Array.of(capacity - 77),
    keys: new Int32Array(capacity).fill(-999),
  };
  kernelContract(sq8Gather, [{ name, params: { words, weight: 2, capacity }, arrays }]);
}

function longTopK(): void {
  const random = randomFrom(3);
  const [nq, m, k] = [300, 2000, 10];
  const out = nq * 2 * k;
  const arrays = {
    keys: Int32Array.from({ length: nq * m }, () => random.int(-500, 500)),
    ids: new Uint32Array(nq * m),
    topKeys: new Int32Array(out),
    topIds: new Uint32Array(out),
  };
  kernelContract(topK, [{ name, params: { nq, m, k, implicit: 1 }, arrays }]);
}
