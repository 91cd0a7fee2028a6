// Keys of candidate lists by lookups: keys[i] = the sum of the table entries of query q that the codes of a row name, (q, row) = pairs[i].
//   tables u16 [nq, m, ksub]: words of two, the first in the low half    codes u8 [n, 4 words], row after row
//   form 5 (pq8): a byte is a code, ksub 256; 6 (pq4): it is two, the first in its low half, ksub 16
//   pairs u32 [capacity, 2]    count u32 [1]: pairs in use    keys i32 [capacity]
override WORKGROUP: u32 = 64;
struct Params { words: u32, form: u32, capacity: u32 }
@group(0) @binding(0) var<storage, read> tables: array<u32>;
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> pairs: array<vec2u>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read_write> keys: array<i32>;
@group(0) @binding(5) var<uniform> params: Params;

// The c-th of the entries that begin at a word.
fn entry(table: u32, c: u32) -> u32 {
  return (tables[table + c / 2u] >> (16u * (c % 2u))) & 0xffffu;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = (wg.x + wg.z * grid.x) * WORKGROUP + thread;
  if (i >= min(count[0], params.capacity)) { return; }
  let pair = pairs[i];
  let row = pair.y * params.words;
  let tableWords = select(64u, 512u, params.form == 5u);
  var table = pair.x * params.words * tableWords;
  var sums = vec4u();
  for (var w = 0u; w < params.words; w++) {
    let code = codes[row + w];
    if (params.form == 5u) {
      let c = (vec4u(code) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
      sums += vec4u(entry(table, c.x), entry(table + 128u, c.y), entry(table + 256u, c.z), entry(table + 384u, c.w));
    } else {
      let a = (vec4u(code) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u);
      let b = (vec4u(code) >> vec4u(16u, 20u, 24u, 28u)) & vec4u(15u);
      sums += vec4u(entry(table, a.x), entry(table + 8u, a.y), entry(table + 16u, a.z), entry(table + 24u, a.w));
      sums += vec4u(entry(table + 32u, b.x), entry(table + 40u, b.y), entry(table + 48u, b.z), entry(table + 56u, b.w));
    }
    table += tableWords;
  }
  keys[i] = i32(sums.x + sums.y + sums.z + sums.w);
}
