// Integer keys of the rows in the inverted lists that each query probes, list after list:
//   key = the probe's term + (withTerms: rowTerms[position] >> the query's shift) + score, wrapping i32 (src/kernels/list-scan.ts)
//   score  form 0 (sq8L2): the row's last four bytes - 2 query . row    form 1 (sq8Ip): -(query . row)
//          form 5 (pq8), 6 (pq4): the sum of the u16 table entries that the codes name
//   queries u32 [nq, queryWords]: SQ8 codes whose last word is 0, or tables u16 [m, ksub]    codes i8 [positions, stride]
//   rowTerms i32 [positions], read only with withTerms != 0    rows u32 [positions]: ids    mask u32: bit set = id counts
//   jobs u32 [nq, nprobe + 1, 4]: a list's first position, where it begins among the query's keys, the probe's term, the shift;
//     the last says only where the query's keys end. Starts ascend
//   keys i32 [nq, m]    ids u32 [nq, m]; 0x7fffffff and 0xffffffff where the mask leaves a row out, and behind a query's end
override WORKGROUP: u32 = 128;
struct Params { nq: u32, nprobe: u32, form: u32, stride: u32, queryWords: u32, withTerms: u32, m: u32 }
@group(0) @binding(0) var<storage, read> queries: array<u32>;
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> rowTerms: array<i32>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;
@group(0) @binding(5) var<storage, read> jobs: array<vec4u>;
@group(0) @binding(6) var<storage, read_write> keys: array<i32>;
@group(0) @binding(7) var<storage, read_write> ids: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

// The last of a query's jobs that begins at key i or before it.
fn jobAt(q: u32, i: u32) -> vec4u {
  var low = q * (params.nprobe + 1u);
  var high = low + params.nprobe;
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (jobs[middle].y <= i) { low = middle; } else { high = middle; }
  }
  return jobs[low];
}

// Entry `at` of the u16s that begin at word `table`.
fn entry(table: u32, at: u32) -> u32 {
  return (queries[table + at / 2u] >> (16u * (at & 1u))) & 0xffffu;
}

fn pqSum(query: u32, row: u32, words: u32) -> i32 {
  var table = query;
  var sums = vec4u();
  for (var w = 0u; w < words; w++) {
    let code = codes[row + w];
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
  return i32(sums.x + sums.y + sums.z + sums.w);
}

// Rows are whole groups of four words.
fn sq8Score(query: u32, row: u32, words: u32) -> i32 {
  // Four sums: a chain of one would wait for each dot product in turn.
  var sums = vec4i();
  for (var w = 0u; w < words; w += 4u) {
    sums += vec4i(
      dot4I8Packed(queries[query + w], codes[row + w]),
      dot4I8Packed(queries[query + w + 1u], codes[row + w + 1u]),
      dot4I8Packed(queries[query + w + 2u], codes[row + w + 2u]),
      dot4I8Packed(queries[query + w + 3u], codes[row + w + 3u]),
    );
  }
  let product = sums.x + sums.y + sums.z + sums.w;
  if (params.form == 1u) { return -product; }
  return bitcast<i32>(codes[row + words - 1u]) - 2 * product;
}

// Thread = one query by one of its keys.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = (wg.x + wg.z * grid.x) * WORKGROUP + thread;
  let q = wg.y;
  if (i >= params.m || q >= params.nq) { return; }
  let out = q * params.m + i;
  keys[out] = 0x7fffffff;
  ids[out] = 0xffffffffu;
  if (i >= jobs[q * (params.nprobe + 1u) + params.nprobe].y) { return; }
  let job = jobAt(q, i);
  let position = job.x + (i - job.y);
  let id = rows[position];
  if (((mask[id / 32u] >> (id % 32u)) & 1u) == 0u) { return; }
  let words = params.stride / 4u;
  let query = q * params.queryWords;
  var key = bitcast<i32>(job.z);
  if (params.withTerms != 0u) { key += rowTerms[position] >> job.w; }
  if (params.form >= 5u) { key += pqSum(query, position * words, words); } else { key += sq8Score(query, position * words, words); }
  keys[out] = key;
  ids[out] = id;
}
