// What of beams must be compared canonically: of the first `length` ids of each query those that cannot be ruled out of its k nearest,
// in their order; one query a workgroup. Integers throughout, so the same ids on every device. Codes have two limbs here, the code c
// and a finer one e, x^ = shift + (256 c + e) / (256 scale), and rows and queries what both have lost (docs/identity.md, part 13).
//   queries, codesA, codesB u32 [.., 4 quads] as in graph-beam     queryLimbs, limbsA, limbsB u32 [.., 4 quads]: e, 0 past dim; the last word
//   holds two numbers of 16 bits, rounded up: A | B << 16 of rows, Q | P << 16 of queries; A, Q = 65535: nothing is known
//   found  u32 [nq, 2 ef + 2]: keys, ids, two counts               lists u32 [nq, length + 2]: ids, NONE behind the last, the counts
// Units are such that a list's numbers have 30 bits: 2^s / 256 of a code step.
//   form 0 (l2)  d = |q^ - x^|^2 down; far = root(up d) + A; V = k-th far + Q, R^2 = V^2 + room V^2 / 2^24 + more; keep iff d <= (R + Q + A)^2;
//                `more` of 2^32 - 1 does not fit, and nothing follows
//   form 1 (ip)  p = q^ . x^ down, in units of 2^s / 256 of a step of both; slack = P A + Q B; keep iff p + slack + 2 >= k-th p - slack
override THREADS: u32 = 64;
override MOST: u32 = 64; // entries of a list that is narrowed
const LANES = 4u;        // threads that score one row
const NONE = 0xffffffffu;
const SATURATED = 65535u;
struct Params { nq: u32, quads: u32, form: u32, split: u32, ef: u32, length: u32, k: u32, room: u32, more: u32 }
@group(0) @binding(0) var<storage, read> queries: array<vec4u>;
@group(0) @binding(1) var<storage, read> queryLimbs: array<vec4u>;
@group(0) @binding(2) var<storage, read> codesA: array<vec4u>;
@group(0) @binding(3) var<storage, read> codesB: array<vec4u>;
@group(0) @binding(4) var<storage, read> limbsA: array<vec4u>;
@group(0) @binding(5) var<storage, read> limbsB: array<vec4u>;
@group(0) @binding(6) var<storage, read> found: array<u32>;
@group(0) @binding(7) var<storage, read_write> lists: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> highs: array<i32, MOST>;  // an entry's number is 65536 high + low; then d, or the nearest that it may be
var<workgroup> lows: array<u32, MOST>;   // then the farthest that it may be; then whether it is kept
var<workgroup> slacks: array<u32, MOST>;
var<workgroup> crosses: array<i32, THREADS>;
var<workgroup> fines: array<i32, THREADS>;
var<workgroup> squares: array<i32, THREADS>;
var<workgroup> widest: atomic<u32>;
var<workgroup> cut: u32;

var<private> thread: u32;
var<private> query: u32; // where it begins, in quads
var<private> keys: u32;  // where the query's begin in `found`
var<private> ids: u32;

fn dots(a: vec4u, b: vec4u) -> i32 {
  return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

fn codeAt(id: u32, w: u32) -> vec4u {
  if (id < params.split) { return codesA[id * params.quads + w]; }
  return codesB[(id - params.split) * params.quads + w];
}

fn limbAt(id: u32, w: u32) -> vec4u {
  if (id < params.split) { return limbsA[id * params.quads + w]; }
  return limbsB[(id - params.split) * params.quads + w];
}

fn idAt(i: u32) -> u32 {
  if (i < params.length) { return found[ids + i]; }
  return NONE;
}

fn shiftedUp(x: u32, by: u32) -> u32 {
  return (x >> by) + select(0u, 1u, (x & ((1u << by) - 1u)) != 0u);
}

fn rootUp(x: u32) -> u32 {
  var root = 0u;
  for (var bit = 0x8000u; bit > 0u; bit >>= 1u) {
    let next = root | bit;
    if (next * next <= x) { root = next; }
  }
  return select(root + 1u, root, root * root == x);
}

// A lane's share of what the limbs add to the code's number of entry i, and of the query's own square.
fn score(i: u32, id: u32) {
  let lane = thread % LANES;
  var cross = 0;
  var fine = 0;
  var square = 0;
  for (var w = lane; w < params.quads && id != NONE; w += LANES) {
    var c = codeAt(id, w);
    var e = limbAt(id, w);
    let p = queries[query + w];
    var f = queryLimbs[query + w];
    if (w == params.quads - 1u) {
      slacks[i] = e.w;
      c.w = 0u;
      e.w = 0u;
      f.w = 0u;
    }
    if (params.form == 0u) {
      cross += dots(p, f) - dots(p, e) - dots(c, f) + dots(c, e);
      fine += dots(f, f) - 2 * dots(f, e) + dots(e, e);
      square += dots(p, p);
    } else {
      cross += dots(p, e) + dots(c, f);
      fine += dots(f, e);
    }
  }
  crosses[thread] = cross;
  fines[thread] = fine;
  squares[thread] = square;
}

// Puts together what four lanes scored: l2 65536 h + 512 cross + fine, ip 65536 h + 256 cross + fine, with h the code's own number.
fn combine(i: u32) {
  let cross = crosses[thread] + crosses[thread + 1u] + crosses[thread + 2u] + crosses[thread + 3u];
  let fine = fines[thread] + fines[thread + 1u] + fines[thread + 2u] + fines[thread + 3u];
  let square = squares[thread] + squares[thread + 1u] + squares[thread + 2u] + squares[thread + 3u];
  let key = bitcast<i32>(found[keys + i]);
  var high: i32;
  var rest: i32;
  if (params.form == 0u) {
    high = square + key + (cross >> 7u);
    rest = 512 * (cross & 127) + fine;
  } else {
    high = (cross >> 8u) - key;
    rest = 256 * (cross & 255) + fine;
  }
  high += rest >> 16u;
  highs[i] = high;
  lows[i] = u32(rest & 0xffff);
  atomicMax(&widest, u32(abs(high)));
}

// l2: d, and the farthest that the row may be of the query's code.
fn spanOfDistance(i: u32, s: u32) {
  let d = (u32(highs[i]) << (16u - 2u * s)) + (lows[i] >> (2u * s));
  let above = select(0u, 1u, (lows[i] & ((1u << (2u * s)) - 1u)) != 0u);
  let a = slacks[i] & 0xffffu;
  highs[i] = bitcast<i32>(d);
  lows[i] = select(rootUp(d + above) + shiftedUp(a, s), NONE, a == SATURATED);
}

// ip: the nearest and the farthest that the row may be, as numbers that rise as products fall.
fn spanOfProduct(i: u32, s: u32, own: u32) {
  let p = bitcast<u32>(highs[i] << (8u - s)) + (lows[i] >> (8u + s));
  let a = slacks[i] & 0xffffu;
  let slack = shiftedUp((own >> 16u) * a + (own & 0xffffu) * (slacks[i] >> 16u), s);
  let open = a == SATURATED || (own & 0xffffu) == SATURATED || slack > 0x20000000u;
  highs[i] = bitcast<i32>(select(0x7fffffffu - (p + slack + 2u), 0u, open));
  lows[i] = select(0x7fffffffu - (p - slack), NONE, open);
}

fn isKept(i: u32, s: u32, own: u32, limit: u32) -> bool {
  if (idAt(i) == NONE) { return false; }
  if (limit == NONE) { return true; }
  if (params.form != 0u) { return bitcast<u32>(highs[i]) <= limit; }
  let a = slacks[i] & 0xffffu;
  let q = shiftedUp(own & 0xffffu, s);
  let more = select(shiftedUp(params.more, 2u * s), NONE, params.more == NONE);
  let v = limit + q;
  if (a == SATURATED || (own & 0xffffu) == SATURATED || v > 60000u || more > 0x10000000u) { return true; }
  let room = (((v * v) / 4096u + 1u) * params.room) / 4096u + 1u;
  let reach = min(SATURATED, rootUp(v * v + room + more) + q + shiftedUp(a, s));
  return bitcast<u32>(highs[i]) <= reach * reach;
}

// Says in `lows` which entries are kept.
fn narrow() {
  let own = queryLimbs[query + params.quads - 1u].w;
  if (thread == 0u) {
    atomicStore(&widest, 0u);
    cut = NONE;
  }
  for (var begin = 0u; begin < params.length; begin += THREADS / LANES) {
    let i = begin + thread / LANES;
    let id = idAt(i);
    score(i, id);
    workgroupBarrier();
    if (thread % LANES == 0u && id != NONE) { combine(i); }
    workgroupBarrier();
  }
  let bits = 32u - countLeadingZeros(workgroupUniformLoad(&widest));
  let s = select(max(22u, bits) - 22u, (max(14u, bits) - 13u) / 2u, params.form == 0u);
  for (var i = thread; i < params.length; i += THREADS) {
    if (idAt(i) == NONE) { lows[i] = NONE; } else if (params.form == 0u) { spanOfDistance(i, s); } else { spanOfProduct(i, s, own); }
  }
  workgroupBarrier();
  for (var i = thread; i < params.length; i += THREADS) {
    var rank = 0u;
    for (var j = 0u; j < params.length; j++) { rank += select(0u, 1u, lows[j] < lows[i] || (lows[j] == lows[i] && j < i)); }
    if (rank == params.k - 1u) { cut = lows[i]; }
  }
  let limit = workgroupUniformLoad(&cut);
  for (var i = thread; i < params.length; i += THREADS) { lows[i] = select(0u, 1u, isKept(i, s, own, limit)); }
  workgroupBarrier();
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = wg.x + wg.z * grid.x;
  if (item >= params.nq) { return; }
  thread = index;
  query = item * params.quads;
  keys = item * (2u * params.ef + 2u);
  ids = keys + params.ef;
  let out = item * (params.length + 2u);
  let narrows = params.k < params.length && params.length <= MOST;
  if (narrows) { narrow(); }
  for (var i = thread; i < params.length; i += THREADS) {
    if (!narrows) {
      lists[out + i] = idAt(i);
      continue;
    }
    var before = 0u;
    var all = 0u;
    for (var j = 0u; j < params.length; j++) {
      if (j == i) { before = all; }
      all += lows[j];
    }
    if (lows[i] == 1u) { lists[out + before] = idAt(i); }
    if (i >= all) { lists[out + i] = NONE; }
  }
  if (thread < 2u) { lists[out + params.length + thread] = found[keys + 2u * params.ef + thread]; }
}
