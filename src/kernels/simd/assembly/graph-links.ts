// Where link rows lie: see src/kernels/graph.ts.

const PAGE_SHIFT: u32 = 6;
const PAGE_MASK: u32 = 63;
const LINE: usize = 64;
// @ts-ignore: decorator
@inline
export const NONE: u32 = 0xffffffff;
/** No address of a row: blocks begin behind address 0. */
// @ts-ignore: decorator
@inline
export const NO_ROW: usize = 0;

/** Takes the loads' values, so that no compiler drops them. */
export let touchedLinks: i32 = 0;

/** Address of a node's link row on a level. */
// @ts-ignore: decorator
@inline
export function rowOf(links: usize, pages: usize, upperRows: usize, degree: i32, basePages: i32, node: u32, level: i32): usize {
  let row = node;
  let page = pages;
  if (level > 0) {
    row = load<u32>(upperRows + (<usize>node << 2)) + <u32>(level - 1);
    page += <usize>basePages << 2;
  }
  const slot = load<u32>(page + (<usize>(row >> PAGE_SHIFT) << 2));
  return links + ((<usize>((slot << PAGE_SHIFT) + (row & PAGE_MASK)) * <usize>degree) << 2);
}

// @ts-ignore: decorator
@inline
export function touchLinks(row: usize, degree: i32): void {
  let bytes = 0;
  const end = row + (<usize>degree << 2);
  for (let at = row; at < end; at += LINE) bytes ^= load<u8>(at);
  touchedLinks ^= bytes;
}

/** Copies the links of a row to `list`; returns how many there are. */
// @ts-ignore: decorator
@inline
export function allLinks(row: usize, degree: i32, list: usize): i32 {
  let m = 0;
  for (; m < degree; m++) {
    const id = load<u32>(row + (<usize>m << 2));
    if (id == NONE) break;
    store<u32>(list + (<usize>m << 2), id);
  }
  return m;
}
