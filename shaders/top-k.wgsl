// Partial top-k by rank: from each segment of 1,024 keys of each query the k smallest (key, id), in order, filled up with
// (0x7fffffff, 0xffffffff). A key's rank is the number of smaller ones; ids break ties, so ranks are unique and the
// result does not depend on threads. Run again over its own output it merges.
//   keys i32 [nq, m]    ids u32 [nq, m], or with implicit != 0 the position in the query's row (ids is then not read)
//   topKeys i32 [nq, segments, k]    topIds u32 [nq, segments, k], segments = ceil(m / 1024)
override THREADS: u32 = 256;
const SEGMENT = 1024u;
struct Params { nq: u32, m: u32, k: u32, implicit: u32 }
@group(0) @binding(0) var<storage, read> keys: array<i32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> topKeys: array<i32>;
@group(0) @binding(3) var<storage, read_write> topIds: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> segmentKeys: array<i32, SEGMENT>;
var<workgroup> segmentIds: array<u32, SEGMENT>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let segments = (params.m + SEGMENT - 1u) / SEGMENT;
  let item = wg.x + wg.z * grid.x;
  let q = item / segments;
  let first = (item % segments) * SEGMENT;
  let length = select(0u, min(SEGMENT, params.m - first), q < params.nq);
  for (var i = thread; i < length; i += THREADS) {
    segmentKeys[i] = keys[q * params.m + first + i];
    segmentIds[i] = first + i;
    if (params.implicit == 0u) { segmentIds[i] = ids[q * params.m + first + i]; }
  }
  workgroupBarrier();
  for (var i = thread; i < length; i += THREADS) {
    let key = segmentKeys[i];
    let id = segmentIds[i];
    var rank = 0u;
    for (var j = 0u; j < length; j++) {
      let other = segmentKeys[j];
      // equal (key, id) pairs only occur among fillers; position keeps their ranks apart
      let before = other < key || (other == key && (segmentIds[j] < id || (segmentIds[j] == id && j < i)));
      rank += select(0u, 1u, before);
    }
    if (rank < params.k) {
      topKeys[item * params.k + rank] = key;
      topIds[item * params.k + rank] = id;
    }
  }
  if (q >= params.nq) { return; }
  for (var i = length + thread; i < params.k; i += THREADS) {
    topKeys[item * params.k + i] = 0x7fffffff;
    topIds[item * params.k + i] = 0xffffffffu;
  }
}
