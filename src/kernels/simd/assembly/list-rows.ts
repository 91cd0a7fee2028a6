// What scans of lists look up for a position or a row.

// @ts-ignore: decorator
@inline
export function isAdmitted(admitted: usize, id: u32): bool {
  return admitted == 0 || ((load<u32>(admitted + (<usize>(id >> 5) << 2)) >> (id & 31)) & 1) != 0;
}

/** The term of a position; a negative `shift` says that there are none. */
// @ts-ignore: decorator
@inline
export function termAt(rowTerms: usize, position: i32, shift: i32): i32 {
  return shift < 0 ? 0 : load<i32>(rowTerms + (<usize>position << 2)) >> shift;
}

/** The largest sum of table entries, u16, that may still enter; where keys could wrap, every sum. */
// @ts-ignore: decorator
@inline
export function largestSum(term: i32, last: i32): i32 {
  return term > 0x7fffffff - 65535 ? 65535 : <i32>max<i64>(0, min<i64>(65535, <i64>last - <i64>term));
}
