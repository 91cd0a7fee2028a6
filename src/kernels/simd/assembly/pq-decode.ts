export function pqDecode(
  codes: usize, places: usize, centroids: usize, lists: usize, shift: usize, scale: usize, rows: usize,
  n: i32, stride: i32, M: i32, dsub: i32, ksub: i32, width: i32, withLists: i32,
  begin: i32, end: i32,
): void {
  const rowBytes = <usize>width << 2;
  const by = v128.load32_splat(scale);
  for (let i = begin; i < end; i++) {
    const place = places + (<usize>i << 3);
    const row = rows + <usize>i * rowBytes;
    // Values wait in the second half of the row that they become: it is read before it is written.
    const values = row + (<usize>width << 1);
    gather(codes + <usize>load<u32>(place) * <usize>stride, centroids, M, dsub, ksub, values);
    memory.fill(values + (<usize>(M * dsub) << 1), 0, <usize>(width - M * dsub) << 1);
    const list = lists + <usize>load<u32>(place, 4) * (<usize>width << 1);
    for (let at: usize = 0, stop = <usize>width << 1; at < stop; at += 16) {
      let eight = v128.load(values + at);
      if (withLists) eight = i16x8.add(eight, v128.load(list + at));
      const low = f32x4.div(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(eight)), by);
      const high = f32x4.div(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(eight)), by);
      const to = at << 1;
      v128.store(row + to, f32x4.add(v128.load(shift + to), low));
      v128.store(row + to, f32x4.add(v128.load(shift + to, 16), high), 16);
    }
    memory.fill(row + (<usize>(M * dsub) << 2), 0, <usize>(width - M * dsub) << 2);
  }
}

/** The i16 values that a code stands for, subvector after subvector. */
function gather(code: usize, centroids: usize, M: i32, dsub: i32, ksub: i32, out: usize): void {
  const apart = <usize>ksub << 2;
  const pairs = <usize>((dsub + 1) >> 1);
  for (let sub = 0; sub < M; sub++) {
    const byte = <i32>load<u8>(code + <usize>(ksub == 256 ? sub : sub >> 1));
    const c = ksub == 256 ? byte : (byte >> ((sub & 1) << 2)) & 15;
    let word = centroids + <usize>sub * pairs * apart + (<usize>c << 2);
    const stop = out + (<usize>(dsub & ~1) << 1);
    for (; out < stop; out += 4, word += apart) store<u32>(out, load<u32>(word));
    if (dsub & 1) {
      store<u16>(out, load<u16>(word));
      out += 2;
    }
  }
}
