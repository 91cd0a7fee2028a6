// The WASM module: one export per kernel, named as the kernel is. Every export takes the bindings' addresses in the
// kernel's order, then the parameters, then the range [begin, end) of items to do. No static data, no allocation:
// the host owns the memory, which may be shared among workers that run different ranges of one dispatch.
export { canonicalDistances } from './canonical-distances';
export { cellSums } from './cell-sums';
export { graphJoin } from './graph-join';
export { graphSearch } from './graph-search';
export { graphSelect } from './graph-select';
export { listScan } from './list-scan';
export { matmul } from './matmul';
export { nearestCentroid } from './nearest-centroid';
export { nearestLists } from './nearest-lists';
export { pqDecode } from './pq-decode';
export { pqGather } from './pq-gather';
export { pqTables } from './pq-tables';
export { probeScan } from './probe-scan';
export { probeScores } from './probe-scores';
export { project } from './project';
export { refineLists } from './refine-lists';
export { rotate } from './rotate';
export { sq8Encode } from './sq8-encode';
export { sq8Filter } from './sq8-filter';
export { sq8Gather } from './sq8-gather';
export { sq8Limbs } from './sq8-limbs';
export { sq8Scan } from './sq8-scan';
export { topK } from './top-k';

/** Zeroes memory: what a fill from JavaScript takes ten times as long for when the memory is shared. */
export function zero(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}
