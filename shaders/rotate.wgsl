// Rows times a matrix: rotated[i, o] = sum_w rows[i, w] . matrix[o, w], products of two i16 pairs. Exact i32 that wraps.
//   rows u32 [n, words], matrix u32 [dout, words], words a multiple of 4    rotated i32 [n, dout]
const TILE = 16u;
struct Params { n: u32, dout: u32, words: u32 }
@group(0) @binding(0) var<storage, read> rows: array<vec4u>;
@group(0) @binding(1) var<storage, read> matrix: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> rotated: array<i32>;
@group(0) @binding(3) var<uniform> params: Params;

// Quads of words by rows (or outputs), so that neighbouring threads read neighbours.
var<workgroup> rowTile: array<vec4u, TILE * TILE>;
var<workgroup> matrixTile: array<vec4u, TILE * TILE>;

// Thread = one row (y) by one output (x) of a tile of 16 by 16.
@compute @workgroup_size(TILE, TILE)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let firstRow = (wg.x + wg.z * grid.x) * TILE;
  for (var firstOut = wg.y * TILE; firstOut < params.dout; firstOut += grid.y * TILE) { tile(firstRow, firstOut, thread.x, thread.y); }
}

fn tile(firstRow: u32, firstOut: u32, x: u32, y: u32) {
  let quads = params.words / 4u;
  // rows and outputs past the last are staged as the last, and not written
  let row = min(firstRow + y, params.n - 1u) * quads;
  let out = min(firstOut + y, params.dout - 1u) * quads;
  var sums = vec4i();
  for (var chunk = 0u; chunk < quads; chunk += TILE) {
    if (chunk + x < quads) {
      rowTile[x * TILE + y] = rows[row + chunk + x];
      matrixTile[x * TILE + y] = matrix[out + chunk + x];
    }
    workgroupBarrier();
    for (var w = 0u; w < min(TILE, quads - chunk); w++) { sums += products(rowTile[w * TILE + y], matrixTile[w * TILE + x]); }
    workgroupBarrier();
  }
  if (firstRow + y < params.n && firstOut + x < params.dout) {
    rotated[(firstRow + y) * params.dout + firstOut + x] = sums.x + sums.y + sums.z + sums.w;
  }
}

fn products(a: vec4u, b: vec4u) -> vec4i {
  let half = vec4u(16u);
  let lows = (bitcast<vec4i>(a << half) >> half) * (bitcast<vec4i>(b << half) >> half);
  return lows + (bitcast<vec4i>(a) >> half) * (bitcast<vec4i>(b) >> half);
}
