// Beam search over one level of a graph, one query a workgroup: the kernel graph-search (Malkov, Yashunin, TPAMI 2020, alg. 2 and 5)
// on the integer keys of SQ8 codes, with the whole way on the device. From `entry` it steps greedily down the levels above `level`,
// then keeps on it the nearest nodes seen, sorted by (key, id), expands the nearest that is not expanded, and merges what that brings by
// rank. Whatever is compared is an integer, so neither threads nor the order of appends show in the answer.
//   key = term - weight * query . code; form 0 (l2): weight 2, the term is the row's last word; form 1 (ip): weight 1, no term
//   queries u32 [.., 4 quads]    codesA, codesB u32 [rows, 4 quads]: rows from `split` on are in B
//   linksA, linksB u32 [rows, degree]: link rows, NONE behind the last link; of level 0 row = node, of a level l above it
//                  upperBase + upperRows[node] + l - 1; rows from `linkSplit` on are in B
//   tables  u32: upperRows [n]; from `admittedAt` on a bit per node that may be returned, looked at only where `filtered` is 1
//   found   u32 [.., 2 ef + 2]: keys, ids (NONE behind the last), nodes whose links were followed, keys computed
//   spill   u32 [nq, 2 capacity]: the beam, where it is too long for the workgroup's memory
// Visited nodes are kept in a table of ids at (id mod VISITED), where the least of those that come together stays. It may forget a
// node, which is then scored again and changes nothing (docs/identity.md, part 9), but takes none for another.
override THREADS: u32 = 64;
override CAPACITY: u32 = 64;  // entries of the beam in workgroup memory
override PLACE: u32 = 1;      // of the beam: 1 workgroup memory, 2 `spill`
override VISITED: u32 = 1024; // a power of two
override MOST: u32 = 64;      // links of a row
const LANES = 4u;             // threads that score one row
const NONE = 0xffffffffu;
const EXPANDED = 0x80000000u;
const ADMITTED = 0x40000000u;
const ID = 0x3fffffffu;
struct Params {
  nq: u32, first: u32, n: u32, quads: u32, form: u32, degree: u32, split: u32, linkSplit: u32, upperBase: u32, admittedAt: u32,
  entry: u32, entryLevel: u32, level: u32, ef: u32, capacity: u32, filtered: u32, visited: u32,
}
@group(0) @binding(0) var<storage, read> queries: array<vec4u>;
@group(0) @binding(1) var<storage, read> codesA: array<vec4u>;
@group(0) @binding(2) var<storage, read> codesB: array<vec4u>;
@group(0) @binding(3) var<storage, read> linksA: array<u32>;
@group(0) @binding(4) var<storage, read> linksB: array<u32>;
@group(0) @binding(5) var<storage, read> tables: array<u32>;
@group(0) @binding(6) var<storage, read_write> found: array<u32>;
@group(0) @binding(7) var<storage, read_write> spill: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> beamKeys: array<i32, CAPACITY>;
var<workgroup> beamIds: array<u32, CAPACITY>;      // and flags
var<workgroup> visited: array<atomic<u32>, VISITED>;
var<workgroup> candidateKeys: array<i32, MOST>;
var<workgroup> candidateIds: array<u32, MOST>;
var<workgroup> places: array<u32, MOST>;           // entries of the beam before a candidate; NONE: it does not enter
var<workgroup> partials: array<i32, MOST * LANES>;
var<workgroup> counts: array<u32, THREADS>;
var<workgroup> candidates: atomic<u32>;
var<workgroup> entering: atomic<u32>;
var<workgroup> nextEntry: atomic<u32>;
var<workgroup> leastKey: atomic<i32>;
var<workgroup> leastId: atomic<u32>;
var<workgroup> length: u32;
var<workgroup> returnable: u32;
var<workgroup> expanding: u32;
var<workgroup> nearestId: u32;
var<workgroup> nearestKey: i32;

var<private> thread: u32;
var<private> query: u32;   // where it begins, in quads
var<private> spillAt: u32; // where this workgroup's beam begins

fn keyAt(i: u32) -> i32 {
  if (PLACE == 2u) { return bitcast<i32>(spill[spillAt + i]); }
  return beamKeys[i];
}

fn idAt(i: u32) -> u32 {
  if (PLACE == 2u) { return spill[spillAt + params.capacity + i]; }
  return beamIds[i];
}

fn place(i: u32, key: i32, id: u32) {
  if (PLACE == 2u) {
    spill[spillAt + i] = bitcast<u32>(key);
    spill[spillAt + params.capacity + i] = id;
  } else {
    beamKeys[i] = key;
    beamIds[i] = id;
  }
}

fn together() {
  if (PLACE == 2u) { storageBarrier(); }
  workgroupBarrier();
}

fn linkAt(row: u32, i: u32) -> u32 {
  if (row < params.linkSplit) { return linksA[row * params.degree + i]; }
  return linksB[(row - params.linkSplit) * params.degree + i];
}

// The link row of a node on a level; NONE where it has none.
fn rowOf(node: u32, level: u32) -> u32 {
  if (level == 0u) { return node; }
  let upper = tables[node];
  return select(params.upperBase + upper + level - 1u, NONE, upper == NONE);
}

fn flagged(id: u32) -> u32 {
  if (params.filtered == 0u) { return id | ADMITTED; }
  let bit = (tables[params.admittedAt + id / 32u] >> (id % 32u)) & 1u;
  return select(id, id | ADMITTED, bit == 1u);
}

fn isBefore(keyA: i32, idA: u32, keyB: i32, idB: u32) -> bool {
  return keyA < keyB || (keyA == keyB && idA < idB);
}

// Keys of the first `count` candidates. Each of LANES threads sums up its quads of a row; the last quad ends in the term.
fn score(count: u32) {
  let lane = thread % LANES;
  let weight = select(1, 2, params.form == 0u);
  for (var i = thread / LANES; i < count; i += THREADS / LANES) {
    let id = candidateIds[i];
    var sums = vec4i();
    var term = 0;
    for (var w = lane; w < params.quads; w += LANES) {
      var code: vec4u;
      if (id < params.split) { code = codesA[id * params.quads + w]; } else { code = codesB[(id - params.split) * params.quads + w]; }
      let q = queries[query + w];
      sums += vec4i(dot4I8Packed(code.x, q.x), dot4I8Packed(code.y, q.y), dot4I8Packed(code.z, q.z), dot4I8Packed(code.w, q.w));
      if (w == params.quads - 1u && params.form == 0u) { term = bitcast<i32>(code.w); }
    }
    partials[i * LANES + lane] = term - weight * (sums.x + sums.y + sums.z + sums.w);
  }
  workgroupBarrier();
  for (var i = thread; i < count; i += THREADS) {
    let at = i * LANES;
    candidateKeys[i] = partials[at] + partials[at + 1u] + partials[at + 2u] + partials[at + 3u];
  }
  workgroupBarrier();
}

// One greedy step: all links of the nearest node so far are scored, and the least of all is the nearest. Returns how many were scored.
fn step(row: u32) -> u32 {
  if (thread == 0u) { atomicStore(&candidates, 0u); atomicStore(&leastKey, nearestKey); }
  workgroupBarrier();
  for (var i = thread; i < params.degree; i += THREADS) {
    let id = linkAt(row, i);
    if (id < params.n) { candidateIds[atomicAdd(&candidates, 1u)] = id; }
  }
  let count = workgroupUniformLoad(&candidates);
  score(count);
  for (var i = thread; i < count; i += THREADS) { atomicMin(&leastKey, candidateKeys[i]); }
  let key = workgroupUniformLoad(&leastKey);
  if (thread == 0u) { atomicStore(&leastId, select(NONE, nearestId, key == nearestKey)); }
  workgroupBarrier();
  for (var i = thread; i < count; i += THREADS) {
    if (candidateKeys[i] == key) { atomicMin(&leastId, candidateIds[i]); }
  }
  workgroupBarrier();
  if (thread == 0u) { nearestKey = key; nearestId = atomicLoad(&leastId); }
  workgroupBarrier();
  return count;
}

// Links of a row that were not visited, as candidates.
fn follow(row: u32) -> u32 {
  if (thread == 0u) { atomicStore(&candidates, 0u); }
  var fresh = 0u; // bit per round
  var round = 0u;
  for (var i = thread; i < params.degree; i += THREADS) {
    let id = linkAt(row, i);
    if (id < params.n && atomicLoad(&visited[id & (VISITED - 1u)]) != id) { fresh |= 1u << round; }
    round++;
  }
  workgroupBarrier();
  round = 0u;
  for (var i = thread; i < params.degree; i += THREADS) {
    if (((fresh >> round) & 1u) == 1u) { atomicStore(&visited[linkAt(row, i) & (VISITED - 1u)], NONE); }
    round++;
  }
  workgroupBarrier();
  round = 0u;
  for (var i = thread; i < params.degree; i += THREADS) {
    if (((fresh >> round) & 1u) == 1u) {
      let id = linkAt(row, i);
      atomicMin(&visited[id & (VISITED - 1u)], id);
      candidateIds[atomicAdd(&candidates, 1u)] = id;
    }
    round++;
  }
  return workgroupUniformLoad(&candidates);
}

// Takes the candidates in where they belong. None that is there already, and none beyond the last where nothing beyond may enter.
fn merge(count: u32, before: u32) {
  let full = before == params.capacity || returnable == params.ef;
  if (thread == 0u) { atomicStore(&entering, 0u); }
  workgroupBarrier();
  for (var i = thread; i < count; i += THREADS) {
    let key = candidateKeys[i];
    let id = candidateIds[i];
    var at = NONE;
    if (!full || isBefore(key, id, keyAt(before - 1u), idAt(before - 1u) & ID)) {
      var low = 0u;
      var high = before;
      while (low < high) {
        let middle = (low + high) / 2u;
        if (isBefore(keyAt(middle), idAt(middle) & ID, key, id)) { low = middle + 1u; } else { high = middle; }
      }
      if (low == before || (idAt(low) & ID) != id) { at = low; atomicAdd(&entering, 1u); }
    }
    places[i] = at;
  }
  let entered = workgroupUniformLoad(&entering);
  if (entered == 0u) { return; }
  // From the end on, so that what moves lands where everything has moved already.
  for (var base = ((before - 1u) / THREADS + 1u) * THREADS; base > 0u; base -= THREADS) {
    let i = base - THREADS + thread;
    var key = 0;
    var id = 0u;
    var shift = 0u;
    if (i < before) {
      key = keyAt(i);
      id = idAt(i);
      for (var j = 0u; j < count; j++) { shift += select(0u, 1u, places[j] <= i); }
    }
    together();
    if (shift > 0u && i + shift < params.capacity) { place(i + shift, key, id); }
    together();
  }
  for (var i = thread; i < count; i += THREADS) {
    if (places[i] == NONE) { continue; }
    let key = candidateKeys[i];
    let id = candidateIds[i];
    var rank = places[i];
    for (var j = 0u; j < count; j++) {
      rank += select(0u, 1u, places[j] != NONE && isBefore(candidateKeys[j], candidateIds[j], key, id));
    }
    if (rank < params.capacity) { place(rank, key, flagged(id)); }
  }
  if (thread == 0u) { length = min(params.capacity, before + entered); }
  together();
  trim();
}

// How many entries before this thread's share of the beam may be returned; `counts` then says how many of each share.
fn admittedBefore(per: u32, all: u32) -> u32 {
  var own = 0u;
  for (var i = thread * per; i < min(all, (thread + 1u) * per); i++) { own += select(0u, 1u, (idAt(i) & ADMITTED) != 0u); }
  counts[thread] = own;
  workgroupBarrier();
  var before = 0u;
  for (var j = 0u; j < thread; j++) { before += counts[j]; }
  return before;
}

// Nothing lies behind the ef-th entry that may be returned.
fn trim() {
  let all = workgroupUniformLoad(&length);
  if (params.filtered == 0u) {
    if (thread == 0u) { returnable = all; }
    workgroupBarrier();
    return;
  }
  let per = (all + THREADS - 1u) / THREADS;
  let before = admittedBefore(per, all);
  var seen = before;
  for (var i = thread * per; i < min(all, (thread + 1u) * per); i++) {
    if ((idAt(i) & ADMITTED) == 0u) { continue; }
    seen++;
    if (seen == params.ef) { length = i + 1u; }
  }
  if (thread == THREADS - 1u) { returnable = min(params.ef, before + counts[thread]); }
  workgroupBarrier();
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = wg.x + wg.z * grid.x;
  if (item >= params.nq) { return; }
  thread = index;
  query = (params.first + item) * params.quads;
  spillAt = item * 2u * params.capacity;
  var hops = 0u;
  var distances = 1u;
  if (thread == 0u) { candidateIds[0] = params.entry; }
  for (var i = thread; i < VISITED; i += THREADS) { atomicStore(&visited[i], NONE); }
  workgroupBarrier();
  score(1u);
  if (thread == 0u) { nearestId = params.entry; nearestKey = candidateKeys[0]; }
  workgroupBarrier();
  for (var above = params.entryLevel; above > params.level; above--) {
    var followed = NONE;
    for (var steps = 0u; steps < params.n; steps++) { // each comes nearer
      let node = workgroupUniformLoad(&nearestId);
      if (node == followed) { break; }
      followed = node;
      hops++;
      let row = rowOf(node, above);
      if (row == NONE) { break; }
      distances += step(row);
    }
  }
  if (thread == 0u) {
    atomicStore(&visited[nearestId & (VISITED - 1u)], nearestId);
    place(0u, nearestKey, flagged(nearestId));
    length = 1u;
  }
  together();
  trim();
  for (var steps = 0u; steps < params.n; steps++) { // each expands another node
    if (thread == 0u) { atomicStore(&nextEntry, NONE); }
    let all = workgroupUniformLoad(&length);
    for (var i = thread; i < all; i += THREADS) {
      if ((idAt(i) & EXPANDED) == 0u) { atomicMin(&nextEntry, i); break; }
    }
    let at = workgroupUniformLoad(&nextEntry);
    if (at == NONE) { break; }
    if (thread == 0u) {
      expanding = idAt(at) & ID;
      place(at, keyAt(at), idAt(at) | EXPANDED);
    }
    together();
    hops++;
    let row = rowOf(workgroupUniformLoad(&expanding), params.level);
    if (row == NONE) { continue; }
    let count = follow(row);
    distances += count;
    if (count == 0u) { continue; }
    score(count);
    merge(count, all);
  }
  report(item, hops, distances);
}

fn report(item: u32, hops: u32, distances: u32) {
  let all = workgroupUniformLoad(&length);
  let out = (params.first + item) * (2u * params.ef + 2u);
  let per = (all + THREADS - 1u) / THREADS;
  var at = admittedBefore(per, all);
  for (var i = thread * per; i < min(all, (thread + 1u) * per); i++) {
    let id = idAt(i);
    if ((id & ADMITTED) == 0u) { continue; }
    found[out + at] = bitcast<u32>(keyAt(i));
    found[out + params.ef + at] = id & ID;
    at++;
  }
  for (var i = returnable + thread; i < params.ef; i += THREADS) {
    found[out + i] = 0u;
    found[out + params.ef + i] = NONE;
  }
  if (thread == 0u) {
    found[out + 2u * params.ef] = hops;
    found[out + 2u * params.ef + 1u] = distances;
  }
}
