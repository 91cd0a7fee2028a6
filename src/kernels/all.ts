/** Every kernel, for engines that prepare them and for the tests that hold them. */
import { canonicalDistances } from './canonical-distances.ts';
import { cellSums } from './cell-sums.ts';
import { graphBeam } from './graph-beam.ts';
import { graphGroup } from './graph-group.ts';
import { graphJoin } from './graph-join.ts';
import { graphNarrow } from './graph-narrow.ts';
import { graphPrune } from './graph-prune.ts';
import { graphSearch } from './graph-search.ts';
import { graphSelect } from './graph-select.ts';
import type { Kernel } from './kernel.ts';
import { listScan } from './list-scan.ts';
import { matmul } from './matmul.ts';
import { nearestCentroid } from './nearest-centroid.ts';
import { nearestLists } from './nearest-lists.ts';
import { pqDecode } from './pq-decode.ts';
import { pqGather } from './pq-gather.ts';
import { pqTables } from './pq-tables.ts';
import { probeScan } from './probe-scan.ts';
import { probeScores } from './probe-scores.ts';
import { project } from './project.ts';
import { refineLists } from './refine-lists.ts';
import { rotate } from './rotate.ts';
import { sq8Encode } from './sq8-encode.ts';
import { sq8Filter } from './sq8-filter.ts';
import { sq8Gather } from './sq8-gather.ts';
import { sq8Limbs } from './sq8-limbs.ts';
import { sq8Scan } from './sq8-scan.ts';
import { topK } from './top-k.ts';

export const kernels: readonly Kernel[] = [
  canonicalDistances,
  cellSums,
  graphBeam,
  graphGroup,
  graphJoin,
  graphPrune,
  graphNarrow,
  graphSearch,
  graphSelect,
  listScan,
  matmul,
  nearestCentroid,
  nearestLists,
  pqDecode,
  pqGather,
  pqTables,
  probeScan,
  probeScores,
  project,
  refineLists,
  rotate,
  sq8Encode,
  sq8Filter,
  sq8Gather,
  sq8Limbs,
  sq8Scan,
  topK,
] as unknown as Kernel[];
