// Tiled scan with a threshold epilogue: appends (q, row) for every row that its certified lower bound cannot rule out
// (docs/identity.md, the filter). Integers throughout, so the same set on every device; its order is the device's.
//   queries i8 [nq, 4 words], codes i8 [n, 4 words], both in panels; queries hold 7 bits     rowTerms i32 [n] as in sq8-scan
//   slacks  u32 [n]: A in the low half, B in the high half, rounded up; A = 65535 is never ruled out
//   bounds  u32 [nq up to a multiple of 4, 4], thresholds rounded to the safe side:
//     form 0 (l2)  (|2 c_q|^2, T, -, -)   keep iff 16 * squared <= min(65535, T + A)^2; A, T in quarters of a code step
//     form 1 (ip)  (K, P, Q, -)           keep iff c_q . c + floor((P A + Q B) / 16) + 1 >= K
//   mask u32 [n / 32]    pairs u32 [capacity, 2]    count u32 [1], zeroed by the caller, may pass capacity
// How it suits devices: a thread keeps 4 queries by 8 rows, 32 sums, and for each word loads 3 vec4u from workgroup memory, one of
// them the same for all threads of a query panel, for 32 dot products of 4. With 64 queries or more a workgroup is 256 threads: 64
// queries by 128 rows, so a code is fetched once for 64 queries and a query once for 128 rows. Its tiles take 6.3 KiB of the 16 that
// every device has, so several workgroups share a core and one multiplies while another waits. Words of a tile lie a panel more than
// there are panels apart: neither what neighbours store (next words of a panel) nor what they load (next panels) meets in one bank.
override QUERY_PANELS: u32 = 16;  // panels of 4 queries to a workgroup
override BLOCKS: u32 = 2;         // blocks of 64 rows to a workgroup
const CHUNK = 8u;                 // words staged at a time
struct Params { nq: u32, words: u32, form: u32, step: u32, skip: u32, first: u32, blocks: u32, capacity: u32 }
@group(0) @binding(0) var<storage, read> queries: array<vec4u>;
@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
@group(0) @binding(2) var<storage, read> rowTerms: array<vec4i>;
@group(0) @binding(3) var<storage, read> slacks: array<vec4u>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;
@group(0) @binding(5) var<storage, read> bounds: array<vec4u>;
@group(0) @binding(6) var<storage, read_write> pairs: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> count: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> queryTile: array<vec4u, (QUERY_PANELS + 1u) * CHUNK>;
var<workgroup> rowTile: array<vec4u, (BLOCKS * 16u + 1u) * CHUNK>;

fn blockAt(item: u32) -> u32 {
  let index = params.first + item;
  return params.step * select(index, 2u * index + 1u, params.skip != 0u);
}

fn products(rows: vec4u, query: u32) -> vec4i {
  return vec4i(dot4I8Packed(rows.x, query), dot4I8Packed(rows.y, query), dot4I8Packed(rows.z, query), dot4I8Packed(rows.w, query));
}

// Words [chunk, chunk + CHUNK) of the workgroup's queries and rows; zeros where there are none.
fn stage(thread: u32, chunk: u32, firstQuery: u32, firstBlock: u32) {
  let threads = BLOCKS * 8u * QUERY_PANELS;
  for (var i = thread; i < QUERY_PANELS * CHUNK; i += threads) {
    let w = chunk + i % CHUNK;
    let panel = firstQuery + i / CHUNK;
    queryTile[(i % CHUNK) * (QUERY_PANELS + 1u) + i / CHUNK] =
      select(vec4u(), queries[panel * params.words + w], w < params.words && panel * 4u < params.nq);
  }
  for (var i = thread; i < BLOCKS * 16u * CHUNK; i += threads) {
    let w = chunk + i % CHUNK;
    let index = firstBlock + i / (16u * CHUNK);
    let panel = blockAt(index) * 16u + (i / CHUNK) % 16u;
    rowTile[(i % CHUNK) * (BLOCKS * 16u + 1u) + i / CHUNK] =
      select(vec4u(), codes[panel * params.words + w], w < params.words && index < params.blocks);
  }
  workgroupBarrier();
}

// Thread = one panel of 4 queries by two of 4 rows, half the workgroup's rows apart.
@compute @workgroup_size(BLOCKS * 8u * QUERY_PANELS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rowPanel = thread % (BLOCKS * 8u);
  let queryPanel = thread / (BLOCKS * 8u);
  let firstQuery = wg.y * QUERY_PANELS;
  let firstBlock = (wg.x + wg.z * grid.x) * BLOCKS;
  var a0 = vec4i(); var a1 = vec4i(); var a2 = vec4i(); var a3 = vec4i();
  var b0 = vec4i(); var b1 = vec4i(); var b2 = vec4i(); var b3 = vec4i();
  for (var chunk = 0u; chunk < params.words; chunk += CHUNK) {
    stage(thread, chunk, firstQuery, firstBlock);
    for (var w = 0u; w < CHUNK; w++) {
      let q = queryTile[w * (QUERY_PANELS + 1u) + queryPanel];
      let a = rowTile[w * (BLOCKS * 16u + 1u) + rowPanel];
      let b = rowTile[w * (BLOCKS * 16u + 1u) + rowPanel + BLOCKS * 8u];
      a0 += products(a, q.x); a1 += products(a, q.y); a2 += products(a, q.z); a3 += products(a, q.w);
      b0 += products(b, q.x); b1 += products(b, q.y); b2 += products(b, q.z); b3 += products(b, q.w);
    }
    workgroupBarrier();
  }
  let query = (firstQuery + queryPanel) * 4u;
  keepPanel(query, firstBlock, rowPanel, a0, a1, a2, a3);
  keepPanel(query, firstBlock, rowPanel + BLOCKS * 8u, b0, b1, b2, b3);
}

fn keepPanel(query: u32, firstBlock: u32, rowPanel: u32, d0: vec4i, d1: vec4i, d2: vec4i, d3: vec4i) {
  let index = firstBlock + rowPanel / 16u;
  if (index >= params.blocks) { return; }
  let panel = blockAt(index) * 16u + rowPanel % 16u;
  keep(query, panel, d0);
  keep(query + 1u, panel, d1);
  keep(query + 2u, panel, d2);
  keep(query + 3u, panel, d3);
}

fn keep(q: u32, panel: u32, dots: vec4i) {
  if (q >= params.nq) { return; }
  let bound = bounds[q];
  let terms = rowTerms[panel];
  let slack = slacks[panel];
  let a = slack & vec4u(0xffffu);
  var kept: vec4<bool>;
  if (params.form == 0u) {
    let squared = vec4u(bitcast<i32>(bound.x) + terms - 4 * dots);
    let reach = min(vec4u(65535u), bound.y + a);
    kept = 16u * squared <= reach * reach;
  } else {
    let reach = vec4i((bound.y * a + bound.z * (slack >> vec4u(16u))) / 16u) + 1;
    kept = (a == vec4u(65535u)) | (dots - terms + reach >= vec4i(bitcast<i32>(bound.x)));
  }
  let live = (vec4u(mask[panel / 8u]) >> (panel % 8u * 4u + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
  let wanted = kept & (live != vec4u());
  if (!any(wanted)) { return; }
  for (var r = 0u; r < 4u; r++) {
    if (!wanted[r]) { continue; }
    let slot = atomicAdd(&count[0], 1u);
    if (slot < params.capacity) { pairs[slot] = vec2u(q, panel * 4u + r); }
  }
}
