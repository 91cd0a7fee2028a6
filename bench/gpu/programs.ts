/** What a device can do, as programs: multiply-adds out of registers, plain tiled matrices, reads in order and of rows at random places. */
import type { Program } from './device.ts';

const THREADS = 256;
/** Threads along either side of a tile. */
const SIDE = 16;
const BYTES_OF_VEC4 = 16;
/** Vectors of four words that the threads of a group fetch for a tile at a time, from either side: one each. */
const FETCHED = THREADS;
/** Rows that a group fetches at a time, and fetches under way of each thread. */
const GATHERED_ROWS = 16;
const UNDER_WAY = 4;

/** Sixteen chains of sums for each thread, so that no multiply waits for the one before. */
export function dot4Registers(groups: number, steps: number): Program {
  const sums = ['xyzw', 'yzwx', 'zwxy', 'wxyz'].map((order, s) => {
    const dots = [...'xyzw'].map((part, i) => `dot4I8Packed(x.${part}, y.${order[i]})`);
    return `    s${s} += vec4i(${dots.join(', ')});`;
  });
  const code = `
@group(0) @binding(0) var<storage, read_write> out: array<i32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  var s0 = vec4i(i32(id.x)); var s1 = vec4i(1); var s2 = vec4i(2); var s3 = vec4i(3);
  let x = vec4u(id.x, id.x * 3u, id.x * 5u, id.x * 7u);
  for (var i = 0u; i < ${steps}u; i++) {
    let y = x ^ vec4u(i);
${sums.join('\n')}
  }
  let sum = s0 + s1 + s2 + s3;
  out[id.x & 1023u] = sum.x + sum.y + sum.z + sum.w;
}`;
  return { code, bytes: [4096], groups: [groups, 1], work: groups * THREADS * steps * 16 * 4 };
}

/** Reads a buffer once, all threads side by side. */
export function streamed(bytes: number, groups: number): Program {
  const threads = groups * THREADS;
  const sweeps = Math.max(1, Math.floor(bytes / BYTES_OF_VEC4 / threads / UNDER_WAY));
  const reads = Array.from({ length: UNDER_WAY }, (_, i) => `data[at + ${i * threads}u]`);
  const code = `
@group(0) @binding(0) var<storage, read> data: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = vec4u();
  for (var i = 0u; i < ${sweeps}u; i++) {
    let at = id.x + i * ${threads * UNDER_WAY}u;
    sum ^= ${reads.join(' ^ ')};
  }
  out[id.x & 1023u] = sum.x ^ sum.y ^ sum.z ^ sum.w;
}`;
  const read = sweeps * UNDER_WAY * threads * BYTES_OF_VEC4;
  return { code, bytes: [read, 4096], groups: [groups, 1], work: read };
}

/** Reads rows at random places, as walks do, each by neighbouring threads. Rows are a power of two, so that places cost nothing. */
export function gathered(bytes: number, rowBytes: number, groups: number, steps: number): Program {
  const lanes = rowBytes / BYTES_OF_VEC4;
  const rows = 2 ** Math.floor(Math.log2(bytes / rowBytes));
  const reads = Array.from({ length: UNDER_WAY }, (_, i) => `    sum ^= data[placeOf(seed + ${i}u) * ${lanes}u + lane];`);
  const code = `
@group(0) @binding(0) var<storage, read> data: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
fn placeOf(seed: u32) -> u32 {
  var bits = seed * 747796405u + 2891336453u;
  bits = ((bits >> ((bits >> 28u) + 4u)) ^ bits) * 277803737u;
  return ((bits >> 22u) ^ bits) & ${rows - 1}u;
}
@compute @workgroup_size(${GATHERED_ROWS * lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % ${lanes}u;
  var seed = (group.x * ${GATHERED_ROWS}u + local / ${lanes}u) * ${steps * UNDER_WAY}u;
  var sum = vec4u();
  for (var i = 0u; i < ${steps}u; i++) {
${reads.join('\n')}
    seed += ${UNDER_WAY}u;
  }
  out[(group.x * ${GATHERED_ROWS * lanes}u + local) & 1023u] = sum.x ^ sum.y ^ sum.z ^ sum.w;
}`;
  const work = groups * GATHERED_ROWS * steps * UNDER_WAY * rowBytes;
  return { code, bytes: [rows * rowBytes, 4096], groups: [groups, 1], work };
}

/** How values are multiplied: 8-bit integers, four to a word, or floats. */
type Values = 'i8' | 'f32';
const VALUES = {
  i8: { perWord: 4, read: 'vec4u', sum: 'vec4i', step: dot4Step, written: (sum: string) => `u32(${sum})` },
  f32: { perWord: 1, read: 'vec4f', sum: 'vec4f', step: fmaStep, written: (sum: string) => `bitcast<u32>(${sum})` },
} as const;

function dot4Step(sum: string, a: string, b: string): string {
  return `${sum} += vec4i(${[...'xyzw'].map((part) => `dot4I8Packed(${a}, ${b}.${part})`).join(', ')});`;
}

function fmaStep(sum: string, a: string, b: string): string {
  return `${sum} = fma(vec4f(${a}), ${b}, ${sum});`;
}

export interface TileShape {
  readonly values: Values;
  /** Rows and columns of each thread, 4 or 8. */
  readonly perThread: 4 | 8;
  readonly dim: number;
  /** Tiles along either side of the product. */
  readonly tiles: readonly [rows: number, columns: number];
}

/**
 * A product of matrices as textbooks have it: groups of 16 × 16 threads, tiles of both sides in workgroup memory, sums in registers. Of
 * the sums each thread keeps the least, as a search does, for writing them all out would be what is measured. Panels lie word by word:
 * [panel, word, row].
 */
export function tiledProduct({ values, perThread, dim, tiles: [rows, columns] }: TileShape): Program {
  const { perWord, read, sum, step, written } = VALUES[values];
  const parts = perThread / 4;
  const rowVecs = SIDE * parts;
  const deep = FETCHED / rowVecs;
  const words = Math.ceil(dim / perWord / deep) * deep;
  const indices = Array.from({ length: perThread }, (_, i) => Array.from({ length: parts }, (_, j) => [i, j] as const)).flat();
  const sums = indices.map(([i, j]) => `s${i}${j}`);
  const lines = (make: (p: number) => string) => Array.from({ length: parts }, (_, p) => make(p)).join('\n');
  const steps = indices.map(([i, j]) => `      ${step(`s${i}${j}`, `a${i >> 2}.${'xyzw'[i & 3]}`, `b${j}`)}`);
  const least = sums.reduce((all, one) => `min(${all}, ${one})`);
  const code = `
@group(0) @binding(0) var<storage, read> left: array<${read}>;
@group(0) @binding(1) var<storage, read> right: array<${read}>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;
var<workgroup> tileA: array<${read}, ${FETCHED}>;
var<workgroup> tileB: array<${read}, ${FETCHED}>;
@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
${sums.map((one) => `  var ${one} = ${sum}();`).join('\n')}
  for (var word = 0u; word < ${words}u; word += ${deep}u) {
    tileA[local] = left[(group.y * ${words}u + word) * ${rowVecs}u + local];
    tileB[local] = right[(group.x * ${words}u + word) * ${rowVecs}u + local];
    workgroupBarrier();
    for (var w = 0u; w < ${deep}u; w++) {
${lines((p) => `      let a${p} = tileA[w * ${rowVecs}u + ${p * SIDE}u + id.y];`)}
${lines((p) => `      let b${p} = tileB[w * ${rowVecs}u + ${p * SIDE}u + id.x];`)}
${steps.join('\n')}
    }
    workgroupBarrier();
  }
  let least = ${least};
  out[((group.y * ${columns}u + group.x) * ${THREADS}u + local) & 0xffffu] = ${written('min(min(least.x, least.y), min(least.z, least.w))')};
}`;
  const side = SIDE * perThread;
  return {
    code,
    bytes: [rows * side * words * 4, columns * side * words * 4, 4 * 2 ** 16],
    groups: [columns, rows],
    work: rows * side * columns * side * words * perWord,
  };
}
