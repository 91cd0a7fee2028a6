// Link rows by the heuristic of HNSW (Malkov, Yashunin, TPAMI 2020, alg. 4), one node a workgroup, where graph and candidates lie on
// the device: what graph-select does for new nodes, and graph-join for those that they chose. Candidates come by (distance, id); one is
// taken unless a taken one is nearer to it than the node is, or both are copies of the node. All is integers, so threads do not show.
//   distance of two nodes = the sum of their terms - weight * code . code; form 0 (l2): weight 2, a row's last word is its term;
//                           form 1 (ip): weight 1, no term
// Items [skip, skip + items).
//   back 0: item i is groups[first + i]; lists hold what graph-beam found, u32 [items, 2 ef + 2]: its candidates. They become its row
//           and edges [first + i]. back 1: item i is a group of graph-group, if there are so many, and its list is who chose it.
//           Where old and new links fit, the new ones follow, ascending; else all of them are candidates. The list is sorted then
//   codesA, codesB u32 [rows, 4 quads]: rows from `split` on are in B
//   linksA, linksB u32 [rows, degree]: as in graph-beam; at most `most` links, NONE behind the last
//   tables u32: upperRows [n]      edges u32 [nodes, most, 2]: target, NONE for none, and its distance
override THREADS: u32 = 64;
const LANES = 4u; // threads that compare two rows
const MOST = 128u; // links of a row
const NONE = 0xffffffffu;
struct Params {
  items: u32, skip: u32, first: u32, back: u32, quads: u32, form: u32, degree: u32, split: u32, linkSplit: u32, upperBase: u32,
  level: u32, ef: u32, most: u32,
}
@group(0) @binding(0) var<storage, read> codesA: array<vec4u>;
@group(0) @binding(1) var<storage, read> codesB: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> linksA: array<u32>;
@group(0) @binding(3) var<storage, read_write> linksB: array<u32>;
@group(0) @binding(4) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read_write> lists: array<u32>;
@group(0) @binding(6) var<storage, read> groups: array<u32>;
@group(0) @binding(7) var<storage, read_write> edges: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

// Ids that one node is compared with: those taken, then the old links.
var<workgroup> ids: array<u32, 2u * MOST>;
var<workgroup> keys: array<i32, 2u * MOST>; // their distances to the node
var<workgroup> sortedIds: array<u32, MOST>; // the old links by distance
var<workgroup> sortedKeys: array<i32, MOST>;
var<workgroup> partials: array<i32, MOST * LANES>;
var<workgroup> tally: atomic<u32>;
var<workgroup> hidden: atomic<u32>;

var<private> thread: u32;
var<private> keysAt: u32; // the node's list: its keys, then its ids
var<private> idsAt: u32;

fn quadOf(id: u32, w: u32) -> vec4u {
  if (id < params.split) { return codesA[id * params.quads + w]; }
  return codesB[(id - params.split) * params.quads + w];
}

fn rowOf(node: u32) -> u32 {
  if (params.level == 0u) { return node; }
  let upper = tables[node];
  return select(params.upperBase + upper + params.level - 1u, NONE, upper == NONE);
}

fn linkAt(row: u32, i: u32) -> u32 {
  if (row < params.linkSplit) { return linksA[row * params.degree + i]; }
  return linksB[(row - params.linkSplit) * params.degree + i];
}

fn putLink(row: u32, i: u32, id: u32) {
  if (row < params.linkSplit) { linksA[row * params.degree + i] = id; } else { linksB[(row - params.linkSplit) * params.degree + i] = id; }
}

fn isBefore(keyA: i32, idA: u32, keyB: i32, idB: u32) -> bool {
  return keyA < keyB || (keyA == keyB && idA < idB);
}

fn listKey(i: u32) -> i32 { return bitcast<i32>(lists[keysAt + i]); }
fn listId(i: u32) -> u32 { return lists[idsAt + i]; }

// What one of LANES threads sums up of the distance of two nodes. The term in the last word takes no part in the product.
fn partOf(a: u32, b: u32, lane: u32) -> i32 {
  var sums = vec4i();
  var terms = 0;
  for (var w = lane; w < params.quads; w += LANES) {
    var x = quadOf(a, w);
    let y = quadOf(b, w);
    if (w == params.quads - 1u) {
      if (params.form == 0u) { terms = bitcast<i32>(x.w) + bitcast<i32>(y.w); }
      x.w = 0u;
    }
    sums += vec4i(dot4I8Packed(x.x, y.x), dot4I8Packed(x.y, y.y), dot4I8Packed(x.z, y.z), dot4I8Packed(x.w, y.w));
  }
  return terms - select(1, 2, params.form == 0u) * (sums.x + sums.y + sums.z + sums.w);
}

// Distances of ids [begin, begin + count) to a node, in parts.
fn compare(begin: u32, count: u32, node: u32) {
  let lane = thread % LANES;
  for (var i = thread / LANES; i < count; i += THREADS / LANES) { partials[i * LANES + lane] = partOf(ids[begin + i], node, lane); }
  workgroupBarrier();
}

fn distanceOf(i: u32) -> i32 {
  let at = i * LANES;
  return partials[at] + partials[at + 1u] + partials[at + 2u] + partials[at + 3u];
}

// How many candidates a search found: ids come without gaps.
fn candidatesFound() -> u32 {
  var own = 0u;
  for (var i = thread; i < params.ef; i += THREADS) { own += select(0u, 1u, listId(i) != NONE); }
  atomicAdd(&tally, own);
  return workgroupUniformLoad(&tally);
}

// Takes in the old links of a row.
fn oldLinks(row: u32) -> u32 {
  for (var i = thread; i < params.most; i += THREADS) {
    let id = linkAt(row, i);
    if (id != NONE) { ids[MOST + i] = id; atomicAdd(&tally, 1u); }
  }
  return workgroupUniformLoad(&tally);
}

fn append(row: u32, old: u32, count: u32) {
  for (var i = thread; i < count; i += THREADS) {
    let id = listId(i);
    var rank = old;
    for (var j = 0u; j < count; j++) { rank += select(0u, 1u, listId(j) < id); }
    putLink(row, rank, id);
  }
}

fn sortOld(old: u32, node: u32) {
  compare(MOST, old, node);
  for (var i = thread; i < old; i += THREADS) { keys[MOST + i] = distanceOf(i); }
  workgroupBarrier();
  for (var i = thread; i < old; i += THREADS) {
    let key = keys[MOST + i];
    let id = ids[MOST + i];
    var rank = 0u;
    for (var j = 0u; j < old; j++) { rank += select(0u, 1u, isBefore(keys[MOST + j], ids[MOST + j], key, id)); }
    sortedKeys[rank] = key;
    sortedIds[rank] = id;
  }
  workgroupBarrier();
}

fn order(a: u32, b: u32) {
  let keyA = listKey(a);
  let keyB = listKey(b);
  let idA = listId(a);
  let idB = listId(b);
  if (!isBefore(keyB, idB, keyA, idA)) { return; }
  lists[keysAt + a] = bitcast<u32>(keyB);
  lists[keysAt + b] = bitcast<u32>(keyA);
  lists[idsAt + a] = idB;
  lists[idsAt + b] = idA;
}

// Bitonic, all comparisons ascending: what lies behind the end would be larger than all and is left out.
fn sortList(count: u32) {
  for (var block = 2u; block < 2u * count; block *= 2u) {
    for (var i = thread; i < (count + block) / 2u; i += THREADS) {
      let begin = i / (block / 2u) * block;
      let a = begin + i % (block / 2u);
      let b = begin + block - 1u - i % (block / 2u);
      if (b < count) { order(a, b); }
    }
    storageBarrier();
    for (var step = block / 4u; step > 0u; step /= 2u) {
      for (var i = thread; i < count / 2u + step; i += THREADS) {
        let a = i / step * 2u * step + i % step;
        if (a + step < count) { order(a, a + step); }
      }
      storageBarrier();
    }
  }
}

// Goes through the candidates, those of the list and the old ones, nearest first; returns how many are taken.
fn choose(node: u32, count: u32, old: u32, term: i32) -> u32 {
  var taken = 0u;
  var i = 0u;
  var j = 0u;
  for (var seen = 0u; seen < count + old && taken < params.most; seen++) {
    var id = 0u;
    var key = 0;
    if (j < old && (i >= count || isBefore(sortedKeys[j], sortedIds[j], listKey(i), listId(i)))) {
      id = sortedIds[j];
      key = sortedKeys[j];
      j++;
    } else {
      id = listId(i);
      key = listKey(i) + term;
      i++;
    }
    compare(0u, taken, id);
    for (var other = thread; other < taken; other += THREADS) {
      let between = distanceOf(other);
      if (between < key || (between == 0 && key == 0)) { atomicStore(&hidden, seen + 1u); }
    }
    if (workgroupUniformLoad(&hidden) == seen + 1u) { continue; }
    if (thread == 0u) { ids[taken] = id; keys[taken] = key; }
    taken++;
    workgroupBarrier();
  }
  return taken;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) index: u32) {
  let own = wg.x + wg.z * grid.x;
  let item = params.skip + own;
  if (own >= params.items || (params.back == 1u && item >= groups[0])) { return; }
  thread = index;
  var node = 0u;
  var old = 0u;
  var count = 0u;
  var term = 0;
  if (params.back == 0u) {
    node = groups[params.first + item];
    keysAt = item * (2u * params.ef + 2u);
    idsAt = keysAt + params.ef;
    if (params.form == 0u) { term = bitcast<i32>(quadOf(node, params.quads - 1u).w); }
  } else {
    node = groups[2u + 4u * item];
    keysAt = 2u * groups[3u + 4u * item];
    count = groups[4u + 4u * item];
    idsAt = keysAt + count;
  }
  let row = rowOf(node);
  if (row == NONE) { return; }
  if (params.back == 0u) {
    count = candidatesFound();
  } else {
    old = oldLinks(row);
    if (old + count <= params.most) { append(row, old, count); return; }
    sortOld(old, node);
    sortList(count);
  }
  let taken = choose(node, count, old, term);
  for (var i = thread; i < params.degree; i += THREADS) {
    var id = NONE;
    if (i < taken) { id = ids[i]; }
    putLink(row, i, id);
  }
  if (params.back == 1u) { return; }
  for (var i = thread; i < params.most; i += THREADS) {
    let at = 2u * ((params.first + item) * params.most + i);
    edges[at] = select(NONE, ids[i], i < taken);
    edges[at + 1u] = select(0u, bitcast<u32>(keys[i]), i < taken);
  }
}
