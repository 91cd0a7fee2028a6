/** Bytes of a chunk: eight vectors of a row, which stay in registers while its cells are visited. */
const CHUNK_BYTES: usize = 128;

export function cellSums(
  rows: usize, cells: usize, sums: usize,
  n: i32, chunks: i32, m: i32, M: i32, ksub: i32,
  begin: i32, end: i32,
): void {
  const rowBytes = <usize>chunks * CHUNK_BYTES;
  const bookBytes = <usize>ksub * CHUNK_BYTES;
  const visited = <usize>M << 2;
  for (let chunk = begin; chunk < end; chunk++) {
    const books = sums + <usize>chunk * <usize>M * bookBytes;
    let row = rows + <usize>chunk * CHUNK_BYTES;
    let cell = cells;
    for (let i = 0; i < n; i++, row += rowBytes, cell += <usize>m << 2) {
      const a = v128.load(row), b = v128.load(row, 16), c = v128.load(row, 32), d = v128.load(row, 48);
      const e = v128.load(row, 64), f = v128.load(row, 80), g = v128.load(row, 96), h = v128.load(row, 112);
      let book = books;
      for (let at = cell; at < cell + visited; at += 4, book += bookBytes) {
        const sum = book + <usize>load<u32>(at) * CHUNK_BYTES;
        v128.store(sum, f32x4.add(v128.load(sum), a));
        v128.store(sum, f32x4.add(v128.load(sum, 16), b), 16);
        v128.store(sum, f32x4.add(v128.load(sum, 32), c), 32);
        v128.store(sum, f32x4.add(v128.load(sum, 48), d), 48);
        v128.store(sum, f32x4.add(v128.load(sum, 64), e), 64);
        v128.store(sum, f32x4.add(v128.load(sum, 80), f), 80);
        v128.store(sum, f32x4.add(v128.load(sum, 96), g), 96);
        v128.store(sum, f32x4.add(v128.load(sum, 112), h), 112);
      }
    }
  }
}
