// Groups the links that new nodes chose by where they lead, in four phases that are dispatches of their own. Which group comes first, and
// who stands first in it, is left to chance: graph-prune sorts.
//   edges  u32 [edges, 2]: target, NONE for none, and its distance; edge e is of nodes[e / most]
//   sizes  u32 [n]: all 0 before the first phase and after the last
//   groups u32: how many, links in all, both 0 before the first phase; then for each [4]: target, where its list begins, links, how many of them are in it
//   lists  u32 [links, 2]: a group's distances, then who chose it
override THREADS: u32 = 256;
const COUNT = 0u; // phase 0 finds targets and counts links, a thread an edge
const PLACE = 1u; // phase 1 gives each group its place, a thread a group
const FILL = 2u;  // phase 2 fills the lists, a thread an edge
                  // phase 3 leaves all sizes 0, a thread an edge
const NONE = 0xffffffffu;
struct Params { edges: u32, most: u32, phase: u32 }
@group(0) @binding(0) var<storage, read> edges: array<vec2u>;
@group(0) @binding(1) var<storage, read> nodes: array<u32>;
@group(0) @binding(2) var<storage, read_write> sizes: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> groups: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> lists: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

fn place(group: u32) {
  if (group >= atomicLoad(&groups[0])) { return; }
  let at = 2u + 4u * group;
  let node = atomicLoad(&groups[at]);
  let size = atomicLoad(&sizes[node]);
  atomicStore(&groups[at + 1u], atomicAdd(&groups[1], size));
  atomicStore(&groups[at + 2u], size);
  atomicStore(&groups[at + 3u], 0u);
  atomicStore(&sizes[node], group); // from here on where its edges find it
}

fn fill(edge: u32, node: u32, distance: u32) {
  let at = 2u + 4u * atomicLoad(&sizes[node]);
  let begin = 2u * atomicLoad(&groups[at + 1u]);
  let size = atomicLoad(&groups[at + 2u]);
  let filled = atomicAdd(&groups[at + 3u], 1u);
  lists[begin + filled] = distance;
  lists[begin + size + filled] = nodes[edge / params.most];
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = (wg.x + wg.z * grid.x) * THREADS + index;
  if (item >= params.edges) { return; }
  if (params.phase == PLACE) { place(item); return; }
  let edge = edges[item];
  if (edge.x == NONE) { return; }
  if (params.phase == COUNT) {
    if (atomicAdd(&sizes[edge.x], 1u) == 0u) { atomicStore(&groups[2u + 4u * atomicAdd(&groups[0], 1u)], edge.x); }
  } else if (params.phase == FILL) {
    fill(item, edge.x, edge.y);
  } else {
    atomicStore(&sizes[edge.x], 0u);
  }
}
