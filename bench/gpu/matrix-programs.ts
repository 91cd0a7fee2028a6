/**
 * Integer matrices of subgroups (tensor cores): what the unit does with matrices that it holds, and with such as it reads. WGSL leaves
 * their 8-bit layout in memory to be read in more than one way, so a small product first finds the reading that is right here.
 */
import { type BareDevice, type MatrixShape, matrixShapes, type Program, subgroupSizes } from './device.ts';

/** Matrices of a subgroup's tile along either side. */
const TILE = 4;
/** How many groups of steps the unit is kept busy without reading. */
const HELD_STEPS = 256;

/** How loads count: 8-bit components, or words of four. */
export interface Reading {
  readonly bytesOfUnit: 1 | 4;
}
const READINGS: readonly Reading[] = [{ bytesOfUnit: 1 }, { bytesOfUnit: 4 }];

/** The largest shape of 8-bit integers with sums of 32 bits. */
export function integerShape(shapes: readonly MatrixShape[]): MatrixShape | undefined {
  const size = ({ M, N, K }: MatrixShape) => M * N * K;
  const fitting = shapes.filter(({ componentType, resultComponentType }) => componentType === 'i8' && resultComponentType === 'i32');
  return fitting.sort((a, b) => size(b) - size(a))[0];
}

/** WGSL around a body that multiplies left [rows, depth] by right [columns, depth], both of bytes, into sums. */
function wgsl(threads: number, body: string): string {
  return `enable subgroups;
enable chromium_experimental_subgroup_matrix;
@group(0) @binding(0) var<storage, read> left: array<i32>;
@group(0) @binding(1) var<storage, read> right: array<i32>;
@group(0) @binding(2) var<storage, read_write> sums: array<i32>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u) {
${body}
}`;
}

function loads({ M, N, K }: MatrixShape, { bytesOfUnit }: Reading, depth: number) {
  const at = (row: string, k: string) => `(${row}) * ${depth / bytesOfUnit}u + (${k}) / ${bytesOfUnit}u, ${depth / bytesOfUnit}u`;
  return {
    left: (row: string, k: string) => `subgroupMatrixLoad<subgroup_matrix_left<i8, ${K}, ${M}>, row_major>(&left, ${at(row, k)})`,
    right: (row: string, k: string) => `subgroupMatrixLoad<subgroup_matrix_right<i8, ${N}, ${K}>, col_major>(&right, ${at(row, k)})`,
    sum: `subgroup_matrix_result<i32, ${N}, ${M}>`,
  };
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** One product of the second M rows by the second N, over two steps: wrong wherever offsets or strides are read otherwise. */
export function probe(shape: MatrixShape, reading: Reading, threads: number): string {
  const { M, N, K } = shape;
  const { left, right, sum } = loads(shape, reading, 2 * K);
  return wgsl(
    threads,
    `  var s: ${sum};
  for (var k = 0u; k < ${2 * K}u; k += ${K}u) {
    s = subgroupMatrixMultiplyAccumulate(${left(`${M}u`, 'k')}, ${right(`${N}u`, 'k')}, s);
  }
  subgroupMatrixStore<row_major>(&sums, group.x, s, ${N}u);`,
  );
}

/** A subgroup's tile of 4 × 4 matrices, again and again with what it holds. */
export function heldMatrices(shape: MatrixShape, reading: Reading, threads: number, groups: number): Program {
  const { M, N, K } = shape;
  const { left, right, sum } = loads(shape, reading, K);
  const cells = range(TILE).flatMap((i) => range(TILE).map((j) => [i, j] as const));
  const code = wgsl(
    threads,
    `${range(TILE)
      .map((i) => `  let a${i} = ${left(`${i * M}u`, '0u')};\n  let b${i} = ${right(`${i * N}u`, '0u')};`)
      .join('\n')}
${cells.map(([i, j]) => `  var s${i}${j}: ${sum};`).join('\n')}
  for (var step = 0u; step < ${HELD_STEPS}u; step++) {
${cells.map(([i, j]) => `    s${i}${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, s${i}${j});`).join('\n')}
  }
${cells.map(([i, j]) => `  subgroupMatrixStore<row_major>(&sums, ${(i * TILE + j) * M * N}u, s${i}${j}, ${N}u);`).join('\n')}`,
  );
  const work = groups * HELD_STEPS * TILE * TILE * M * N * K;
  return { code, bytes: [ROOM * TILE * M * K, ROOM * TILE * N * K, 4 * TILE * TILE * M * N], groups: [groups, 1], work };
}

/** A product of matrices in memory, `tiles` of 4 × 4 matrices along either side and `depth` deep. */
export function readMatrices(shape: MatrixShape, reading: Reading, threads: number, tiles: number, depth: number): Program {
  const { M, N, K } = shape;
  const { left, right, sum } = loads(shape, reading, depth);
  const [rows, columns] = [TILE * M, TILE * N];
  const cells = range(TILE).flatMap((i) => range(TILE).map((j) => [i, j] as const));
  const code = wgsl(
    threads,
    `${cells.map(([i, j]) => `  var s${i}${j}: ${sum};`).join('\n')}
  for (var k = 0u; k < ${depth}u; k += ${K}u) {
${range(TILE)
  .map((i) => `    let a${i} = ${left(`group.y * ${rows}u + ${i * M}u`, 'k')};`)
  .join('\n')}
${range(TILE)
  .map((j) => `    let b${j} = ${right(`group.x * ${columns}u + ${j * N}u`, 'k')};`)
  .join('\n')}
${cells.map(([i, j]) => `    s${i}${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, s${i}${j});`).join('\n')}
  }
  let at = group.y * ${rows * columns * tiles}u + group.x * ${columns}u;
${cells.map(([i, j]) => `  subgroupMatrixStore<row_major>(&sums, at + ${i * M * columns * tiles + j * N}u, s${i}${j}, ${columns * tiles}u);`).join('\n')}`,
  );
  const bytes = [rows * tiles * depth, columns * tiles * depth, 4 * rows * tiles * columns * tiles];
  return { code, bytes, groups: [tiles, tiles], work: rows * tiles * columns * tiles * depth };
}

/** Buffers are as many times too large, so that no reading goes beyond them. */
const ROOM = 8;

/** The reading by which a small product comes out right; throws where none does, or the feature is not there. */
export async function readingOf(device: BareDevice, shape: MatrixShape, threads: number): Promise<Reading> {
  const { M, N, K } = shape;
  const left = bytesOf(ROOM * 2 * M * 2 * K, 3);
  const right = bytesOf(ROOM * 2 * N * 2 * K, 5);
  const wanted = Int32Array.from({ length: M * N }, (_, i) => {
    const [row, column] = [M + Math.floor(i / N), N + (i % N)];
    return range(2 * K).reduce((sum, k) => sum + left[row * 2 * K + k]! * right[column * 2 * K + k]!, 0);
  });
  const inputs = [left, right].map(({ buffer }) => new Uint8Array(buffer));
  for (const reading of READINGS) {
    const sums = await device.answer(probe(shape, reading, threads), inputs, 4 * M * N);
    if (sums.every((sum, i) => sum === wanted[i])) return reading;
  }
  throw new Error(`products of ${M} × ${N} × ${K} are wrong, however memory is read`);
}

function bytesOf(length: number, factor: number): Int8Array<ArrayBuffer> {
  return Int8Array.from({ length }, (_, i) => ((i * 2654435761 * factor) >>> 7) & 255);
}

/** The shape that is measured on this device, and the threads of a group: one subgroup. */
export function unitOf(device: BareDevice): { shape: MatrixShape; threads: number } {
  const { adapter } = device;
  if (!device.device.features.has('chromium-experimental-subgroup-matrix')) throw new Error('the adapter has no subgroup matrices');
  const shape = integerShape(matrixShapes(adapter));
  if (!shape) throw new Error('the adapter lists no 8-bit integer matrices');
  const sizes = subgroupSizes(adapter);
  if (!sizes) throw new Error('the adapter does not tell how large subgroups are');
  return { shape, threads: sizes[1] };
}
