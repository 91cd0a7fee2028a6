// Tables of a product quantiser for each query: of the scores r[s, c] = terms[s, c] - weight * sum_p queries[s, p] .
// centroids[s, p, c] (products of two i16 pairs, exact i32 that wraps) the u16 entries min(65535, (r[s, c] - low[s]) >> shift),
// low[s] = min_c r[s, c]; shift is the smallest from leastShift on (to 31) with sum_s (max_c r[s, c] - low[s]) >> shift <= 65535.
//   queries u32 [nq, m, pairs]    centroids u32 [m, pairs, ksub]    terms i32 [m, ksub]    ksub even, m <= 4096
//   tables u32 [nq, m, ksub / 2], entry 2i in the low half of word i    shifts u32 [nq]
override WORKGROUP: u32 = 256;
const MOST = 65535u;
struct Params { nq: u32, m: u32, pairs: u32, ksub: u32, weight: u32, leastShift: u32 }
@group(0) @binding(0) var<storage, read> queries: array<u32>;
@group(0) @binding(1) var<storage, read> centroids: array<vec2u>;
@group(0) @binding(2) var<storage, read> terms: array<vec2i>;
@group(0) @binding(3) var<storage, read_write> tables: array<u32>;
@group(0) @binding(4) var<storage, read_write> shifts: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

// A team of threads shares one subquantiser, each thread takes words of two entries.
var<workgroup> lows: array<atomic<i32>, WORKGROUP>;
var<workgroup> highs: array<atomic<i32>, WORKGROUP>;
var<workgroup> shift: atomic<u32>;

// Workgroup = one query. Spans and lows wait in the first two words of each subquantiser's table until it is written.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let q = wg.x + wg.z * grid.x;
  if (q >= params.nq) { return; }
  let words = params.ksub / 2u;
  let lanes = min(words, WORKGROUP);
  let teams = WORKGROUP / lanes;
  let team = thread / lanes;
  let lane = thread % lanes;
  for (var first = 0u; first < params.m; first += teams) {
    let s = first + team;
    let busy = team < teams && s < params.m;
    if (lane == 0u) {
      atomicStore(&lows[team], 0x7fffffff);
      atomicStore(&highs[team], -0x7fffffff - 1);
    }
    workgroupBarrier();
    if (busy) {
      for (var w = lane; w < words; w += lanes) {
        let pair = scores(q, s, w);
        atomicMin(&lows[team], min(pair.x, pair.y));
        atomicMax(&highs[team], max(pair.x, pair.y));
      }
    }
    workgroupBarrier();
    if (busy && lane == 0u) {
      let low = atomicLoad(&lows[team]);
      let at = (q * params.m + s) * words;
      tables[at] = bitcast<u32>(atomicLoad(&highs[team])) - bitcast<u32>(low);
      tables[at + 1u] = bitcast<u32>(low);
    }
  }
  if (thread == 0u) { atomicStore(&shift, 31u); }
  storageBarrier();
  workgroupBarrier();
  for (var s = params.leastShift + thread; s < 31u; s += WORKGROUP) {
    if (fits(q, s)) { atomicMin(&shift, s); }
  }
  workgroupBarrier();
  let by = atomicLoad(&shift);
  if (thread == 0u) { shifts[q] = by; }
  for (var first = 0u; first < params.m; first += teams) {
    let s = first + team;
    let busy = team < teams && s < params.m;
    let at = (q * params.m + s) * words;
    var low = 0u;
    if (busy) { low = tables[at + 1u]; }
    storageBarrier();
    workgroupBarrier();
    if (busy) {
      for (var w = lane; w < words; w += lanes) {
        let entries = min(vec2u(MOST), (bitcast<vec2u>(scores(q, s, w)) - low) >> vec2u(by));
        tables[at + w] = entries.x | (entries.y << 16u);
      }
    }
  }
}

// Scores of the centroids 2w and 2w + 1.
fn scores(q: u32, s: u32, w: u32) -> vec2i {
  let words = params.ksub / 2u;
  let query = (q * params.m + s) * params.pairs;
  var at = s * params.pairs * words + w;
  var dots = vec2i();
  for (var p = 0u; p < params.pairs; p++) {
    let word = queries[query + p];
    let others = centroids[at];
    let lows16 = bitcast<vec2i>(others << vec2u(16u)) >> vec2u(16u);
    dots += (bitcast<i32>(word << 16u) >> 16u) * lows16 + (bitcast<i32>(word) >> 16u) * (bitcast<vec2i>(others) >> vec2u(16u));
    at += words;
  }
  return terms[s * words + w] - bitcast<i32>(params.weight) * dots;
}

// Whether the spans of the query, shifted by s, sum to MOST at most; the sum is held down, so that it cannot wrap.
fn fits(q: u32, s: u32) -> bool {
  let words = params.ksub / 2u;
  var sum = 0u;
  for (var i = 0u; i < params.m; i++) { sum += min(MOST + 1u, tables[(q * params.m + i) * words] >> s); }
  return sum <= MOST;
}
