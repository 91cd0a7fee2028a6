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
// Waiting for one another is what a step costs: 9 barriers, and one for every THREADS entries of the beam.
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
var<workgroup> candidateKeys: array<atomic<i32>, MOST>;
var<workgroup> candidateIds: array<u32, MOST>;
// While links are followed: what the table said at a link's place. Then entries of the beam before a candidate; NONE: it stays out.
var<workgroup> places: array<u32, MOST>;
var<workgroup> counts: array<u32, THREADS>;
var<workgroup> candidates: atomic<u32>;
var<workgroup> entering: atomic<u32>;
var<workgroup> nextEntry: atomic<u32>;
var<workgroup> leastKey: atomic<i32>;
var<workgroup> leastId: atomic<u32>;
var<workgroup> trimmed: Extent;

struct Node { id: u32, key: i32 }
struct Extent { length: u32, returnable: u32 } // of the beam: its entries, and those that may be returned

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

fn suggest(id: u32) {
  let at = atomicAdd(&candidates, 1u);
  candidateIds[at] = id;
  atomicStore(&candidateKeys[at], 0);
}

// How many candidates all threads have suggested.
fn suggested() -> u32 {
  let count = workgroupUniformLoad(&candidates);
  if (thread == 0u) { atomicStore(&candidates, 0u); }
  return count;
}

// Keys of the candidates. Each of LANES threads sums up its quads of a row.
fn score(count: u32) {
  for (var first = 0u; first < count; first += THREADS / LANES) {
    let i = first + thread / LANES;
    var part = 0;
    if (i < count) { part = partOfKey(candidateIds[i], thread % LANES); }
    addUp(i, count, part);
  }
  together();
}

// The last quad of a row ends in the term.
fn partOfKey(id: u32, lane: u32) -> i32 {
  var sums = vec4i();
  var term = 0;
  for (var w = lane; w < params.quads; w += LANES) {
    var code: vec4u;
    if (id < params.split) { code = codesA[id * params.quads + w]; } else { code = codesB[(id - params.split) * params.quads + w]; }
    let q = queries[query + w];
    sums += vec4i(dot4I8Packed(code.x, q.x), dot4I8Packed(code.y, q.y), dot4I8Packed(code.z, q.z), dot4I8Packed(code.w, q.w));
    if (w == params.quads - 1u && params.form == 0u) { term = bitcast<i32>(code.w); }
  }
  return term - select(1, 2, params.form == 0u) * (sums.x + sums.y + sums.z + sums.w);
}

// Adds a thread's part to the key of a candidate, where it is one. All threads come here together, as to the next two.
fn addUp(i: u32, count: u32, part: i32) {
  if (i < count) { atomicAdd(&candidateKeys[i], part); }
}

fn offerNext(entry: u32) {
  if (entry != NONE) { atomicMin(&nextEntry, entry); }
}

fn countEntering(own: u32) {
  if (own > 0u) { atomicAdd(&entering, own); }
}

// Greedy steps down to the level that is searched, each to the nearest of a node and its links.
fn descend(hops: ptr<function, u32>, distances: ptr<function, u32>) -> Node {
  if (thread == 0u) { suggest(params.entry); }
  score(suggested());
  var nearest = Node(params.entry, workgroupUniformLoad(&candidateKeys[0]));
  if (thread == 0u) { atomicStore(&leastKey, nearest.key); }
  for (var above = params.entryLevel; above > params.level; above--) {
    var followed = NONE;
    for (var steps = 0u; steps < params.n && nearest.id != followed; steps++) { // each comes nearer
      followed = nearest.id;
      *hops += 1u;
      let row = rowOf(followed, above);
      if (row == NONE) { break; }
      for (var i = thread; i < params.degree; i += THREADS) {
        let id = linkAt(row, i);
        if (id < params.n) { suggest(id); }
      }
      let count = suggested();
      *distances += count;
      nearest = nearer(nearest, count);
    }
  }
  return nearest;
}

// The nearest of a node and the candidates.
fn nearer(node: Node, count: u32) -> Node {
  if (thread == 0u) { atomicStore(&leastId, NONE); }
  score(count);
  for (var i = thread; i < count; i += THREADS) { atomicMin(&leastKey, atomicLoad(&candidateKeys[i])); }
  let key = workgroupUniformLoad(&leastKey);
  if (thread == 0u && key == node.key) { atomicMin(&leastId, node.id); }
  for (var i = thread; i < count; i += THREADS) {
    if (atomicLoad(&candidateKeys[i]) == key) { atomicMin(&leastId, candidateIds[i]); }
  }
  return Node(workgroupUniformLoad(&leastId), key);
}

fn visitedAt(id: u32) -> u32 {
  return id & (VISITED - 1u);
}

// Links of a row that were not visited, as candidates.
fn follow(row: u32) -> u32 {
  let degree = select(params.degree, 0u, row == NONE);
  for (var i = thread; i < degree; i += THREADS) {
    let id = linkAt(row, i);
    if (id < params.n) { places[i] = atomicLoad(&visited[visitedAt(id)]); }
  }
  together();
  for (var i = thread; i < degree; i += THREADS) {
    let id = linkAt(row, i);
    if (id < params.n && places[i] != id) {
      visit(id, places[i]);
      suggest(id);
    }
  }
  return suggested();
}

// Takes the place of what was there; of those that do so together the least stays.
fn visit(id: u32, before: u32) {
  loop {
    let took = atomicCompareExchangeWeak(&visited[visitedAt(id)], before, id);
    if (took.exchanged) { break; }
    if (took.old_value != before) {
      atomicMin(&visited[visitedAt(id)], id);
      break;
    }
  }
}

// Where a candidate belongs in the beam; NONE where it is there already, or beyond the last where nothing beyond may enter.
fn placeOf(key: i32, id: u32, beam: Extent) -> u32 {
  let last = beam.length - 1u;
  let full = beam.length == params.capacity || beam.returnable == params.ef;
  if (full && !isBefore(key, id, keyAt(last), idAt(last) & ID)) { return NONE; }
  var low = 0u;
  var high = beam.length;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (isBefore(keyAt(middle), idAt(middle) & ID, key, id)) { low = middle + 1u; } else { high = middle; }
  }
  if (low < beam.length && (idAt(low) & ID) == id) { return NONE; }
  return low;
}

// Takes the candidates in where they belong.
fn merge(count: u32, beam: Extent) -> Extent {
  var own = 0u;
  for (var i = thread; i < count; i += THREADS) {
    let at = placeOf(atomicLoad(&candidateKeys[i]), candidateIds[i], beam);
    places[i] = at;
    own += select(1u, 0u, at == NONE);
  }
  countEntering(own);
  let entered = workgroupUniformLoad(&entering);
  if (entered == 0u) { return beam; }
  if (thread == 0u) { atomicStore(&entering, 0u); }
  makeRoom(count, beam.length);
  for (var i = thread; i < count; i += THREADS) {
    if (places[i] == NONE) { continue; }
    let key = atomicLoad(&candidateKeys[i]);
    let id = candidateIds[i];
    var rank = places[i];
    for (var j = 0u; j < count; j++) {
      rank += select(0u, 1u, places[j] != NONE && isBefore(atomicLoad(&candidateKeys[j]), candidateIds[j], key, id));
    }
    if (rank < params.capacity) { place(rank, key, flagged(id)); }
  }
  together();
  return trim(min(params.capacity, beam.length + entered));
}

// Entries move towards the end, the last ones first: what moves lands where everything has moved already.
fn makeRoom(count: u32, length: u32) {
  for (var base = ((length - 1u) / THREADS + 1u) * THREADS; base > 0u; base -= THREADS) {
    let i = base - THREADS + thread;
    var key = 0;
    var id = 0u;
    var shift = 0u;
    if (i < length) {
      key = keyAt(i);
      id = idAt(i);
      for (var j = 0u; j < count; j++) { shift += select(0u, 1u, places[j] <= i); }
    }
    together();
    if (shift > 0u && i + shift < params.capacity) { place(i + shift, key, id); }
  }
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
fn trim(all: u32) -> Extent {
  if (params.filtered == 0u) { return Extent(all, all); }
  let per = (all + THREADS - 1u) / THREADS;
  var seen = admittedBefore(per, all);
  for (var i = thread * per; i < min(all, (thread + 1u) * per); i++) {
    if ((idAt(i) & ADMITTED) == 0u) { continue; }
    seen++;
    if (seen == params.ef) { trimmed = Extent(i + 1u, seen); }
  }
  if (thread == THREADS - 1u && seen < params.ef) { trimmed = Extent(all, seen); }
  return workgroupUniformLoad(&trimmed);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) index: u32) {
  thread = index;
  search(wg.x + wg.z * grid.x);
}

fn search(item: u32) {
  if (item >= params.nq) { return; }
  query = (params.first + item) * params.quads;
  spillAt = item * 2u * params.capacity;
  var hops = 0u;
  var distances = 1u;
  if (thread == 0u) { atomicStore(&nextEntry, NONE); }
  for (var i = thread; i < VISITED; i += THREADS) { atomicStore(&visited[i], NONE); }
  let start = descend(&hops, &distances);
  if (thread == 0u) {
    atomicStore(&visited[visitedAt(start.id)], start.id);
    place(0u, start.key, flagged(start.id));
  }
  together();
  var beam = trim(1u);
  for (var steps = 0u; steps < params.n; steps++) { // each expands another node
    offerNext(nextOf(beam.length));
    let at = workgroupUniformLoad(&nextEntry);
    if (at == NONE) { break; }
    if (thread == 0u) { atomicStore(&nextEntry, NONE); }
    hops++;
    let count = follow(rowOf(idAt(at) & ID, params.level));
    if (thread == at % THREADS) { place(at, keyAt(at), idAt(at) | EXPANDED); }
    distances += count;
    if (count == 0u) { continue; }
    score(count);
    beam = merge(count, beam);
  }
  together();
  report(item, beam, hops, distances);
}

// The first of this thread's entries that is not expanded; NONE where all are.
fn nextOf(length: u32) -> u32 {
  for (var i = thread; i < length; i += THREADS) {
    if ((idAt(i) & EXPANDED) == 0u) { return i; }
  }
  return NONE;
}

fn report(item: u32, beam: Extent, hops: u32, distances: u32) {
  let out = (params.first + item) * (2u * params.ef + 2u);
  let per = (beam.length + THREADS - 1u) / THREADS;
  var at = admittedBefore(per, beam.length);
  for (var i = thread * per; i < min(beam.length, (thread + 1u) * per); i++) {
    let id = idAt(i);
    if ((id & ADMITTED) == 0u) { continue; }
    found[out + at] = bitcast<u32>(keyAt(i));
    found[out + params.ef + at] = id & ID;
    at++;
  }
  for (var i = beam.returnable + thread; i < params.ef; i += THREADS) {
    found[out + i] = 0u;
    found[out + params.ef + i] = NONE;
  }
  if (thread == 0u) {
    found[out + 2u * params.ef] = hops;
    found[out + 2u * params.ef + 1u] = distances;
  }
}
