// Integer keys of candidate lists: keys[i] = rowTerms[row] - weight * sum_j queries[q, j] * codes[row, j], (q, row) = pairs[i].
// Exact i32 (dot4I8Packed). weight 2 and rowTerms |c|^2 give |c_q - c|^2 - |c_q|^2; weight 1 and rowTerms 0 give -(c_q . c).
//   queries i8 [nq, 4 words], codes i8 [n, 4 words], row after row    rowTerms i32 [n]
//   pairs u32 [capacity, 2]    count u32 [1]: pairs in use    keys i32 [capacity]
override WORKGROUP: u32 = 64;
struct Params { words: u32, weight: u32, capacity: u32 }
@group(0) @binding(0) var<storage, read> queries: array<u32>;
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> rowTerms: array<i32>;
@group(0) @binding(3) var<storage, read> pairs: array<vec2u>;
@group(0) @binding(4) var<storage, read> count: array<u32>;
@group(0) @binding(5) var<storage, read_write> keys: array<i32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = (wg.x + wg.z * grid.x) * WORKGROUP + thread;
  if (i >= min(count[0], params.capacity)) { return; }
  let pair = pairs[i];
  let q = pair.x * params.words;
  let row = pair.y * params.words;
  // Four sums: a chain of one would wait for each dot product in turn.
  var sums = vec4i();
  let whole = params.words & ~3u;
  for (var w = 0u; w < whole; w += 4u) {
    sums += vec4i(
      dot4I8Packed(queries[q + w], codes[row + w]),
      dot4I8Packed(queries[q + w + 1u], codes[row + w + 1u]),
      dot4I8Packed(queries[q + w + 2u], codes[row + w + 2u]),
      dot4I8Packed(queries[q + w + 3u], codes[row + w + 3u]),
    );
  }
  for (var w = whole; w < params.words; w++) { sums.x += dot4I8Packed(queries[q + w], codes[row + w]); }
  keys[i] = rowTerms[pair.y] - bitcast<i32>(params.weight) * (sums.x + sums.y + sums.z + sums.w);
}
