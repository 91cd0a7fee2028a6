import { CHUNK, cellSums } from '../../src/kernels/cell-sums.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

function sumsCase(n: number, chunks: number, m: number, M: number, ksub: number, most = ksub) {
  const random = randomFrom(n + chunks + m);
  return {
    name: JSON.stringify({ n, chunks, m, M, ksub, most }),
    params: { n, chunks, m, M, ksub },
    arrays: {
      rows: Float32Array.from({ length: n * chunks * CHUNK }, () => random.normal() * 10 ** random.int(-6, 6)),
      cells: Uint32Array.from({ length: n * m }, (_, i) => (i % m < M ? random.int(0, most - 1) : 0xffffffff)),
      sums: Float32Array.from({ length: chunks * M * ksub * CHUNK }, () => random.normal()),
    },
  };
}

kernelContract(cellSums, [
  sumsCase(0, 1, 4, 1, 16),
  sumsCase(1, 1, 4, 3, 16),
  sumsCase(40, 3, 4, 4, 256),
  sumsCase(300, 2, 8, 7, 16),
  sumsCase(77, 9, 4, 2, 16, 1), // all in one cell: each sum is rounded row after row
]);
