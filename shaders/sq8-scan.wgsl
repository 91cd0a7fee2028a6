// Integer keys of queries against a range of rows: keys[q, i] = rowTerms[row] - weight * sum_j queries[q, j] * codes[row, j].
// Exact i32 throughout (dot4I8Packed), so equal on every device. With rows coded in 8 bits as c and queries in 7 bits as
// u = c_q + 64 (docs/identity.md, codes):
//   l2      weight 4, rowTerms = |c|^2 + 256 sum c   key = |2 c_q - c|^2 - |2 c_q|^2
//   ip      weight 1, rowTerms = 64 sum c            key = -(c_q . c)
//   queries  i8 [nq, 4 words] in panels      codes i8 [n, 4 words] in panels (src/kernels/panels.ts)
//   rowTerms i32 [n]    mask u32 [n / 32], bit set = row counts, else its key is 0x7fffffff    keys i32 [nq, blocks * 64]
struct Params { nq: u32, words: u32, weight: u32, step: u32, skip: u32, first: u32, blocks: u32 }
@group(0) @binding(0) var<storage, read> queries: array<u32>;
@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
@group(0) @binding(2) var<storage, read> rowTerms: array<i32>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> keys: array<i32>;
@group(0) @binding(5) var<uniform> params: Params;

// Thread = one query (4 to a workgroup) by one panel of 4 rows (16 to a block).
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = wg.x + wg.z * grid.x;
  let q = wg.y * 4u + thread / 16u;
  if (block >= params.blocks || q >= params.nq) { return; }
  let index = params.first + block;
  let at = params.step * select(index, 2u * index + 1u, params.skip != 0u);
  let panel = at * 16u + thread % 16u;
  var dots = vec4i();
  for (var w = 0u; w < params.words; w++) {
    let query = queries[((q / 4u) * params.words + w) * 4u + q % 4u];
    let rows = codes[panel * params.words + w];
    dots += vec4i(dot4I8Packed(rows.x, query), dot4I8Packed(rows.y, query), dot4I8Packed(rows.z, query), dot4I8Packed(rows.w, query));
  }
  let live = mask[panel / 8u] >> ((panel % 8u) * 4u);
  let out = (q * params.blocks + block) * 64u + (thread % 16u) * 4u;
  for (var r = 0u; r < 4u; r++) {
    let key = rowTerms[panel * 4u + r] - bitcast<i32>(params.weight) * dots[r];
    keys[out + r] = select(0x7fffffff, key, ((live >> r) & 1u) != 0u);
  }
}
