// Tiled scan with a threshold epilogue: appends (q, row) for every row that its certified lower bound cannot rule out
// (docs/identity.md, the filter). Integers throughout, so the same set on every device; its order is the device's.
//   queries i8 [nq, 4 words], codes i8 [n, 4 words], both in panels; queries hold 7 bits     rowTerms i32 [n] as in sq8-scan
//   slacks  u32 [n]: A in the low half, B in the high half, rounded up; A = 65535 is never ruled out
//   bounds  u32 [nq up to a multiple of 4, 4], thresholds rounded to the safe side:
//     form 0 (l2)  (|2 c_q|^2, T, -, -)   keep iff 16 * squared <= min(65535, T + A)^2; A, T in quarters of a code step
//     form 1 (ip)  (K, P, Q, -)           keep iff c_q . c + floor((P A + Q B) / 16) + 1 >= K
//   mask u32 [n / 32]    pairs u32 [capacity, 2]    count u32 [1], zeroed by the caller, may pass capacity
override QUERY_PANELS: u32 = 16;  // panels of 4 queries to a workgroup
override BLOCKS: u32 = 1;         // blocks of 64 rows to a workgroup
const CHUNK = 8u;                 // words staged at a time
struct Params { nq: u32, words: u32, form: u32, step: u32, skip: u32, first: u32, blocks: u32, capacity: u32 }
@group(0) @binding(0) var<storage, read> queries: array<vec4u>;
@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
@group(0) @binding(2) var<storage, read> rowTerms: array<i32>;
@group(0) @binding(3) var<storage, read> slacks: array<u32>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;
@group(0) @binding(5) var<storage, read> bounds: array<vec4u>;
@group(0) @binding(6) var<storage, read_write> pairs: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> count: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> queryTile: array<vec4u, QUERY_PANELS * CHUNK>;
var<workgroup> rowTile: array<vec4u, BLOCKS * 16u * CHUNK>;

fn blockAt(item: u32) -> u32 {
  let index = params.first + item;
  return params.step * select(index, 2u * index + 1u, params.skip != 0u);
}

// Thread = one panel of 4 queries by one panel of 4 rows: sixteen sums for two loads of 16 bytes.
@compute @workgroup_size(BLOCKS * 16u * QUERY_PANELS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let threads = BLOCKS * 16u * QUERY_PANELS;
  let rowPanel = thread % (BLOCKS * 16u);
  let queryPanel = thread / (BLOCKS * 16u);
  let tile = wg.x + wg.z * grid.x;
  var d0 = vec4i(); var d1 = vec4i(); var d2 = vec4i(); var d3 = vec4i();
  for (var chunk = 0u; chunk < params.words; chunk += CHUNK) {
    for (var i = thread; i < QUERY_PANELS * CHUNK; i += threads) {
      let w = chunk + i % CHUNK;
      let panel = wg.y * QUERY_PANELS + i / CHUNK;
      queryTile[i] = select(vec4u(), queries[panel * params.words + w], w < params.words && panel * 4u < params.nq);
    }
    for (var i = thread; i < BLOCKS * 16u * CHUNK; i += threads) {
      let w = chunk + i % CHUNK;
      let index = tile * BLOCKS + i / (16u * CHUNK);
      let panel = blockAt(index) * 16u + (i / CHUNK) % 16u;
      rowTile[i] = select(vec4u(), codes[panel * params.words + w], w < params.words && index < params.blocks);
    }
    workgroupBarrier();
    for (var w = 0u; w < CHUNK; w++) {
      let q = queryTile[queryPanel * CHUNK + w];
      let r = rowTile[rowPanel * CHUNK + w];
      d0 += vec4i(dot4I8Packed(r.x, q.x), dot4I8Packed(r.y, q.x), dot4I8Packed(r.z, q.x), dot4I8Packed(r.w, q.x));
      d1 += vec4i(dot4I8Packed(r.x, q.y), dot4I8Packed(r.y, q.y), dot4I8Packed(r.z, q.y), dot4I8Packed(r.w, q.y));
      d2 += vec4i(dot4I8Packed(r.x, q.z), dot4I8Packed(r.y, q.z), dot4I8Packed(r.z, q.z), dot4I8Packed(r.w, q.z));
      d3 += vec4i(dot4I8Packed(r.x, q.w), dot4I8Packed(r.y, q.w), dot4I8Packed(r.z, q.w), dot4I8Packed(r.w, q.w));
    }
    workgroupBarrier();
  }
  let index = tile * BLOCKS + rowPanel / 16u;
  if (index >= params.blocks) { return; }
  let row = blockAt(index) * 64u + (rowPanel % 16u) * 4u;
  let q = (wg.y * QUERY_PANELS + queryPanel) * 4u;
  keep(d0, q, row);
  keep(d1, q + 1u, row);
  keep(d2, q + 2u, row);
  keep(d3, q + 3u, row);
}

fn keep(dots: vec4i, q: u32, row: u32) {
  if (q >= params.nq) { return; }
  let bound = bounds[q];
  let live = mask[row / 32u] >> (row % 32u);
  for (var r = 0u; r < 4u; r++) {
    let slack = slacks[row + r];
    let a = slack & 0xffffu;
    var kept: bool;
    if (params.form == 0u) {
      let squared = u32(bitcast<i32>(bound.x) + rowTerms[row + r] - 4 * dots[r]);
      let reach = min(65535u, bound.y + a);
      kept = 16u * squared <= reach * reach;
    } else {
      let reach = i32((bound.y * a + bound.z * (slack >> 16u)) / 16u) + 1;
      kept = a == 65535u || dots[r] - rowTerms[row + r] + reach >= bitcast<i32>(bound.x);
    }
    if (kept && ((live >> r) & 1u) != 0u) {
      let slot = atomicAdd(&count[0], 1u);
      if (slot < params.capacity) { pairs[slot] = vec2u(q, row + r); }
    }
  }
}
