// Sums of the table entries that a row's codes name: see src/kernels/cpu/pq-sum.ts. A byte of pq4 holds two codes; their
// tables are joined into one of 256 sums for each byte, once for a query, so that both forms are summed alike.

/** Bytes of the table of one code byte: 256 entries of u16. */
const TABLE: usize = 512;

/** Σ over the `stride` bytes of a row; stride is a multiple of 4. */
// @ts-ignore: decorator
@inline
export function pqSum(tables: usize, row: usize, stride: usize): i32 {
  let a = 0, b = 0, c = 0, d = 0;
  let table = tables;
  let at = row;
  const end = row + (stride & ~7);
  for (; at < end; at += 8) {
    a += <i32>load<u16>(table + (<usize>load<u8>(at) << 1));
    b += <i32>load<u16>(table + (<usize>load<u8>(at, 1) << 1), TABLE);
    c += <i32>load<u16>(table + (<usize>load<u8>(at, 2) << 1), 2 * TABLE);
    d += <i32>load<u16>(table + (<usize>load<u8>(at, 3) << 1), 3 * TABLE);
    a += <i32>load<u16>(table + (<usize>load<u8>(at, 4) << 1), 4 * TABLE);
    b += <i32>load<u16>(table + (<usize>load<u8>(at, 5) << 1), 5 * TABLE);
    c += <i32>load<u16>(table + (<usize>load<u8>(at, 6) << 1), 6 * TABLE);
    d += <i32>load<u16>(table + (<usize>load<u8>(at, 7) << 1), 7 * TABLE);
    table += 8 * TABLE;
  }
  if (stride & 4) {
    a += <i32>load<u16>(table + (<usize>load<u8>(at) << 1));
    b += <i32>load<u16>(table + (<usize>load<u8>(at, 1) << 1), TABLE);
    c += <i32>load<u16>(table + (<usize>load<u8>(at, 2) << 1), 2 * TABLE);
    d += <i32>load<u16>(table + (<usize>load<u8>(at, 3) << 1), 3 * TABLE);
  }
  return a + b + (c + d);
}

/** Tables of pq4, u16 [2 stride, 16], as tables of whole bytes, u16 [stride, 256]. */
export function joinTables(tables: usize, stride: i32, out: usize): void {
  for (let i = 0; i < stride; i++) {
    const low0 = v128.load(tables);
    const low1 = v128.load(tables, 16);
    for (let high: usize = 0; high < 16; high++) {
      const entry = v128.load16_splat(tables + (high << 1), 32);
      v128.store(out, i16x8.add(low0, entry));
      v128.store(out, i16x8.add(low1, entry), 16);
      out += 32;
    }
    tables += 64;
  }
}

/** Σ over the bytes of a row of pq4, from its own tables: u16 [2 stride, 16]. */
// @ts-ignore: decorator
@inline
export function pqSumOfHalves(tables: usize, row: usize, stride: usize): i32 {
  let a = 0, b = 0;
  let table = tables;
  for (let at = row, end = row + stride; at < end; at += 4) {
    const codes = load<u32>(at);
    a += <i32>load<u16>(table + <usize>((codes & 15) << 1));
    b += <i32>load<u16>(table + <usize>((codes >> 3) & 30), 32);
    a += <i32>load<u16>(table + <usize>((codes >> 7) & 30), 64);
    b += <i32>load<u16>(table + <usize>((codes >> 11) & 30), 96);
    a += <i32>load<u16>(table + <usize>((codes >> 15) & 30), 128);
    b += <i32>load<u16>(table + <usize>((codes >> 19) & 30), 160);
    a += <i32>load<u16>(table + <usize>((codes >> 23) & 30), 192);
    b += <i32>load<u16>(table + <usize>((codes >> 28) << 1), 224);
    table += 256;
  }
  return a + b;
}
