// The nearest centroid of each row in each subquantiser: nearest[i, s] = the first c with the smallest
// terms[s, c] - weight * sum_p rows[i, s, p] . centroids[s, p, c], a product of two i16 pairs. Exact i32 that wraps.
//   rows u32 [n, m, pairs]    centroids u32 [m, pairs, ksub]    terms i32 [m, ksub]    nearest u32 [n, m]    ksub >= 1
override WORKGROUP: u32 = 64;
struct Params { n: u32, m: u32, pairs: u32, ksub: u32, weight: u32 }
@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> centroids: array<u32>;
@group(0) @binding(2) var<storage, read> terms: array<i32>;
@group(0) @binding(3) var<storage, read_write> nearest: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

// Thread = one row; a workgroup looks at the same centroids at the same time.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = (wg.x + wg.z * grid.x) * WORKGROUP + thread;
  if (i >= params.n) { return; }
  for (var s = wg.y; s < params.m; s += grid.y) { nearest[i * params.m + s] = nearestOf(i, s); }
}

fn nearestOf(i: u32, s: u32) -> u32 {
  let row = (i * params.m + s) * params.pairs;
  let book = s * params.pairs * params.ksub;
  let scores = s * params.ksub;
  let weight = bitcast<i32>(params.weight);
  var best = 0u;
  var least = 0x7fffffff; // never beaten where every score is that: then the first is right
  let whole = params.ksub & ~7u;
  for (var c = 0u; c < whole; c += 8u) {
    var a = vec4i();
    var b = vec4i();
    var at = book + c;
    for (var p = 0u; p < params.pairs; p++) {
      let word = rows[row + p];
      a += products(word, vec4u(centroids[at], centroids[at + 1u], centroids[at + 2u], centroids[at + 3u]));
      b += products(word, vec4u(centroids[at + 4u], centroids[at + 5u], centroids[at + 6u], centroids[at + 7u]));
      at += params.ksub;
    }
    for (var k = 0u; k < 8u; k++) {
      let score = terms[scores + c + k] - weight * select(a[k & 3u], b[k & 3u], k >= 4u);
      if (score < least) { least = score; best = c + k; }
    }
  }
  for (var c = whole; c < params.ksub; c++) {
    var dot = 0;
    for (var p = 0u; p < params.pairs; p++) { dot += products(rows[row + p], vec4u(centroids[book + p * params.ksub + c])).x; }
    let score = terms[scores + c] - weight * dot;
    if (score < least) { least = score; best = c; }
  }
  return best;
}

fn products(word: u32, others: vec4u) -> vec4i {
  let low = bitcast<i32>(word << 16u) >> 16u;
  let high = bitcast<i32>(word) >> 16u;
  return low * (bitcast<vec4i>(others << vec4u(16u)) >> vec4u(16u)) + high * (bitcast<vec4i>(others) >> vec4u(16u));
}
