// What devices with subgroups put in the place of functions of graph-beam.wgsl: fewer words of workgroup memory are touched, and those are
// touched once a subgroup. Sums and minima of integers are the same in any order, so nothing hangs on a subgroup's size, nor on
// which threads it has. A row's LANES parts are added up by shuffles only where they are found to lie in one whole quad of lanes.
enable subgroups;

var<private> paired: bool; // this thread's quad is that of its row

fn addUp(i: u32, count: u32, part: i32) {
  let two = part + subgroupShuffleXor(part, 1u);
  let four = two + subgroupShuffleXor(two, 2u);
  if (i >= count) { return; }
  if (!paired) {
    atomicAdd(&candidateKeys[i], part);
  } else if (thread % LANES == 0u) {
    atomicStore(&candidateKeys[i], four);
  }
}

fn offerNext(entry: u32) {
  let least = subgroupMin(entry);
  if (entry == least && entry != NONE) { atomicMin(&nextEntry, entry); }
}

fn countEntering(own: u32) {
  let all = subgroupAdd(own);
  if (subgroupElect() && all > 0u) { atomicAdd(&entering, all); }
}

// Whether the lanes of this thread's quad are all there, and are the threads that share its row.
fn isPaired(lane: u32) -> bool {
  let quad = (subgroupBallot(true)[lane / 32u] >> (lane & 28u)) & 15u;
  let one = subgroupShuffleXor(thread, 1u);
  let two = subgroupShuffleXor(thread, 2u);
  let three = subgroupShuffleXor(thread, 3u);
  return quad == 15u && one == (thread ^ 1u) && two == (thread ^ 2u) && three == (thread ^ 3u);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) wg: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  thread = index;
  paired = isPaired(lane);
  search(wg.x + wg.z * grid.x);
}
