// What devices with 8-bit matrices (tensor cores) put in the place of functions of sq8-filter.wgsl: products of 16 queries by 16 rows and
// 32 dimensions at a time, exact as the plain ones are. Subgroups have 32 threads, and workgroups 64 queries by 128 rows. Each of the
// eight subgroups takes a number and with it 32 queries by 32 rows, four sums of matrices, so nothing hangs on which threads it has.
// Tiles lie row by row, rows so far apart that eight of them meet in no bank; sums go to the filter through the same memory.
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

const WORDS = 16u;           // staged at a time: two products deep
const DEEP = 8u;             // words of a product
const APART = WORDS + 4u;    // words from row to row of a tile
const QUERIES = 64u;
const ROWS = 128u;
alias Left = subgroup_matrix_left<i8, 32, 16>;
alias Right = subgroup_matrix_right<i8, 16, 32>;
alias Sums = subgroup_matrix_result<i32, 16, 16>;

var<workgroup> tile: array<u32, (QUERIES + ROWS) * APART>;
var<workgroup> taken: atomic<u32>;

fn stage(thread: u32, chunk: u32, firstQuery: u32, firstBlock: u32) {
  for (var i = thread; i < QUERIES / 4u * WORDS; i += 256u) {
    let w = chunk + i % WORDS;
    let panel = firstQuery + i / WORDS;
    let words = select(vec4u(), queries[panel * params.words + w], w < params.words && panel * 4u < params.nq);
    spread(i / WORDS * 4u, i % WORDS, words);
  }
  for (var i = thread; i < ROWS / 4u * WORDS; i += 256u) {
    let w = chunk + i % WORDS;
    let index = firstBlock + i / (16u * WORDS);
    let panel = blockAt(index) * 16u + (i / WORDS) % 16u;
    let words = select(vec4u(), codes[panel * params.words + w], w < params.words && index < params.blocks);
    spread(QUERIES + i / WORDS * 4u, i % WORDS, words);
  }
  workgroupBarrier();
}

fn spread(row: u32, word: u32, words: vec4u) {
  for (var r = 0u; r < 4u; r++) { tile[(row + r) * APART + word] = words[r]; }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstQuery = wg.y * QUERIES / 4u;
  let firstBlock = (wg.x + wg.z * grid.x) * ROWS / 64u;
  var number = 0u;
  if (subgroupElect()) { number = atomicAdd(&taken, 1u); }
  number = subgroupBroadcastFirst(number);
  let left = number / 4u * 32u * APART;
  let right = (QUERIES + number % 4u * 32u) * APART;
  var s00: Sums; var s01: Sums; var s10: Sums; var s11: Sums;
  for (var chunk = 0u; chunk < params.words; chunk += WORDS) {
    stage(thread, chunk, firstQuery, firstBlock);
    for (var w = 0u; w < WORDS; w += DEEP) {
      let a0 = subgroupMatrixLoad<Left, row_major>(&tile, left + w, APART);
      let a1 = subgroupMatrixLoad<Left, row_major>(&tile, left + 16u * APART + w, APART);
      let b0 = subgroupMatrixLoad<Right, col_major>(&tile, right + w, APART);
      let b1 = subgroupMatrixLoad<Right, col_major>(&tile, right + 16u * APART + w, APART);
      s00 = subgroupMatrixMultiplyAccumulate(a0, b0, s00);
      s01 = subgroupMatrixMultiplyAccumulate(a0, b1, s01);
      s10 = subgroupMatrixMultiplyAccumulate(a1, b0, s10);
      s11 = subgroupMatrixMultiplyAccumulate(a1, b1, s11);
    }
    workgroupBarrier();
  }
  let at = number * 256u;
  subgroupMatrixStore<row_major>(&tile, at, s00, 16u);
  keepSums(thread, firstQuery, firstBlock, 0u, 0u);
  subgroupMatrixStore<row_major>(&tile, at, s01, 16u);
  keepSums(thread, firstQuery, firstBlock, 0u, 1u);
  subgroupMatrixStore<row_major>(&tile, at, s10, 16u);
  keepSums(thread, firstQuery, firstBlock, 1u, 0u);
  subgroupMatrixStore<row_major>(&tile, at, s11, 16u);
  keepSums(thread, firstQuery, firstBlock, 1u, 1u);
}

// All subgroups have stored one of their sums, [16 queries, 16 rows]: two panels of rows for each thread.
fn keepSums(thread: u32, firstQuery: u32, firstBlock: u32, down: u32, across: u32) {
  workgroupBarrier();
  for (var i = thread; i < 8u * 64u; i += 256u) {
    let number = i / 64u;
    let q = (i % 64u) / 4u;
    let rowPanel = number % 4u * 8u + across * 4u + i % 4u;
    let index = firstBlock + rowPanel / 16u;
    if (index < params.blocks) {
      let at = number * 256u + q * 16u + i % 4u * 4u;
      let dots = bitcast<vec4i>(vec4u(tile[at], tile[at + 1u], tile[at + 2u], tile[at + 3u]));
      keep(firstQuery * 4u + number / 4u * 32u + down * 16u + q, blockAt(index) * 16u + rowPanel % 16u, dots);
    }
  }
  workgroupBarrier();
}
