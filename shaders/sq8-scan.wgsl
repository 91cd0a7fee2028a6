// Integer keys of queries against a range of rows: keys[q, i] = rowTerms[row] - weight * sum_j queries[q, j] * codes[row, j].
// Exact i32 throughout (dot4I8Packed), so equal on every device. With rows coded in 8 bits as c and queries in 7 bits as
// u = c_q + 64 (docs/identity.md, codes):
//   l2      weight 4, rowTerms = |c|^2 + 256 sum c   key = |2 c_q - c|^2 - |2 c_q|^2
//   ip      weight 1, rowTerms = 64 sum c            key = -(c_q . c)
//   queries  i8 [nq, 4 words] in panels      codes i8 [n, 4 words] in panels (src/kernels/panels.ts)
//   rowTerms i32 [n]    mask u32 [n / 32], bit set = row counts, else its key is 0x7fffffff    keys i32 [nq, blocks * 64]
override QUERIES: u32 = 4; // of a panel, to a thread: 1 or 4
struct Params { nq: u32, words: u32, weight: u32, step: u32, skip: u32, first: u32, blocks: u32 }
@group(0) @binding(0) var<storage, read> queries: array<vec4u>;
@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
@group(0) @binding(2) var<storage, read> rowTerms: array<vec4i>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> keys: array<vec4i>;
@group(0) @binding(5) var<uniform> params: Params;

fn products(rows: vec4u, query: u32) -> vec4i {
  return vec4i(dot4I8Packed(rows.x, query), dot4I8Packed(rows.y, query), dot4I8Packed(rows.z, query), dot4I8Packed(rows.w, query));
}

// Thread = one panel of 4 queries (4 to a workgroup) by one panel of 4 rows (16 to a block): 16 sums for two loads of 16 bytes.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = wg.x + wg.z * grid.x;
  let queryPanel = wg.y * 4u + thread / 16u;
  if (block >= params.blocks || queryPanel * 4u >= params.nq) { return; }
  let index = params.first + block;
  let panel = params.step * select(index, 2u * index + 1u, params.skip != 0u) * 16u + thread % 16u;
  var d0 = vec4i(); var d1 = vec4i(); var d2 = vec4i(); var d3 = vec4i();
  for (var w = 0u; w < params.words; w++) {
    let query = queries[queryPanel * params.words + w];
    let rows = codes[panel * params.words + w];
    d0 += products(rows, query.x);
    if (QUERIES > 1u) {
      d1 += products(rows, query.y);
      d2 += products(rows, query.z);
      d3 += products(rows, query.w);
    }
  }
  let at = block * 16u + thread % 16u;
  put(queryPanel * 4u, panel, at, d0);
  if (QUERIES == 1u) { return; }
  put(queryPanel * 4u + 1u, panel, at, d1);
  put(queryPanel * 4u + 2u, panel, at, d2);
  put(queryPanel * 4u + 3u, panel, at, d3);
}

fn put(q: u32, panel: u32, at: u32, dots: vec4i) {
  if (q >= params.nq) { return; }
  let live = (vec4u(mask[panel / 8u]) >> (panel % 8u * 4u + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
  let found = rowTerms[panel] - bitcast<i32>(params.weight) * dots;
  keys[q * params.blocks * 16u + at] = select(vec4i(0x7fffffff), found, live != vec4u());
}
