// Integer keys of queries against rows coded by a product quantiser: keys[q, i] = sum of the table entries that the codes of
// row first + i name, which is 65535 at most (src/kernels/graph.ts, pq forms).
//   tables u32 [nq, tableWords]: u16 [m, ksub], two to a word    codes i8 [n, stride], stride a multiple of 4
//   form 5 (pq8): a byte is a code, ksub 256    form 6 (pq4): a byte is two, the first in its low half, ksub 16
//   mask u32 [n / 32], bit set = row counts, else its key is 0x7fffffff    keys i32 [nq, count]
override WORKGROUP: u32 = 128;
struct Params { nq: u32, form: u32, stride: u32, tableWords: u32, first: u32, count: u32 }
@group(0) @binding(0) var<storage, read> tables: array<u32>;
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> keys: array<i32>;
@group(0) @binding(4) var<uniform> params: Params;

// Entry `at` of the u16s that begin at word `table`.
fn entry(table: u32, at: u32) -> u32 {
  return (tables[table + at / 2u] >> (16u * (at & 1u))) & 0xffffu;
}

// Thread = one query by one row. Neighbours read the same tables, which caches hold.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = (wg.x + wg.z * grid.x) * WORKGROUP + thread;
  let q = wg.y;
  if (i >= params.count || q >= params.nq) { return; }
  let row = params.first + i;
  let out = q * params.count + i;
  if (((mask[row / 32u] >> (row % 32u)) & 1u) == 0u) {
    keys[out] = 0x7fffffff;
    return;
  }
  let words = params.stride / 4u;
  var table = q * params.tableWords;
  var sums = vec4u();
  for (var w = 0u; w < words; w++) {
    let code = codes[row * words + w];
    if (params.form == 5u) {
      let c = (vec4u(code) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
      sums += vec4u(entry(table, c.x), entry(table + 128u, c.y), entry(table + 256u, c.z), entry(table + 384u, c.w));
      table += 512u;
    } else {
      let a = (vec4u(code) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u);
      let b = (vec4u(code) >> vec4u(16u, 20u, 24u, 28u)) & vec4u(15u);
      sums += vec4u(entry(table, a.x), entry(table + 8u, a.y), entry(table + 16u, a.z), entry(table + 24u, a.w));
      sums += vec4u(entry(table + 32u, b.x), entry(table + 40u, b.y), entry(table + 48u, b.z), entry(table + 56u, b.w));
      table += 64u;
    }
  }
  keys[out] = i32(sums.x + sums.y + sums.z + sums.w);
}
