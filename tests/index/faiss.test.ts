/**
 * FAISS as an oracle: Debian's python3-faiss, where it is installed. FAISS sums in another order, so distances agree to
 * rounding, and rows may change places where their distances do.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import { makeVectors } from '../contract/data.ts';
import { canonicalDistance, rowsOf } from '../contract/oracle.ts';
import { lowRank, oneThread } from './helpers.ts';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const found = await run(PYTHON, ['-c', 'import faiss; print(faiss.__version__)']).then(
  ({ stdout }) => stdout.trim(),
  () => undefined,
);
const required = process.env.ISODEX_REQUIRE_FAISS === '1';

const SCRIPT = `
import sys, numpy as np, faiss
folder, dim, k, metric = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
x = np.fromfile(folder + '/x', np.float32).reshape(-1, dim)
q = np.fromfile(folder + '/q', np.float32).reshape(-1, dim)
index = faiss.IndexFlatL2(dim) if metric == 'l2' else faiss.IndexFlatIP(dim)
index.add(x)
D, I = index.search(q, k)
D.astype(np.float32).tofile(folder + '/D')
I.astype(np.int32).tofile(folder + '/I')
`;

async function faissSearch(vectors: Float32Array, queries: Float32Array, dim: number, k: number, metric: 'l2' | 'ip') {
  const folder = await mkdtemp(join(tmpdir(), 'isodex-faiss-'));
  try {
    await writeFile(join(folder, 'x'), vectors);
    await writeFile(join(folder, 'q'), queries);
    await run(PYTHON, ['-c', SCRIPT, folder, String(dim), String(k), metric]);
    const read = async (name: string) => new Uint8Array(await readFile(join(folder, name))).buffer;
    return { distances: new Float32Array(await read('D')), labels: new Int32Array(await read('I')) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('FAISS', () => {
  it.for([
    ['l2', 'normal', 24],
    ['ip', 'normal', 24],
    ['l2', 'low rank', 128],
    ['ip', 'low rank', 128],
    ['l2', 'bytes', 33],
    ['ip', 'duplicates', 7],
  ] as const)('%s, %s, dim %d: finds the same neighbours', async ([metric, kind, dim], { skip }) => {
    if (!found) {
      if (required) expect.fail(`ISODEX_REQUIRE_FAISS is set, but ${PYTHON} has no faiss: apt-get install python3-faiss`);
      skip(`${PYTHON} has no faiss (apt-get install python3-faiss)`);
    }
    const make = (n: number, offset: number) => (kind === 'low rank' ? lowRank(n, dim, offset) : makeVectors(kind, n, dim, offset));
    const [vectors, queries, k] = [make(3000, 1), make(30, 2), 20];
    const theirs = await faissSearch(vectors, queries, dim, k, metric);
    using engine = await oneThread();
    using index = makeIndex('Flat', { dim, metric }, engine);
    await index.add(vectors);
    const ours = await index.search(queries, { k });
    const rows = rowsOf(vectors, dim);
    for (const [q, query] of rowsOf(queries, dim).entries()) {
      const size = query.reduce((sum, x) => sum + x * x, 0) + Math.max(...rows.map((row) => row.reduce((sum, x) => sum + x * x, 0)));
      const tolerance = size * 1e-5; // FAISS expands ‖q − x‖² in batches
      const worst = ours.distances[(q + 1) * k - 1]!;
      for (let i = q * k; i < (q + 1) * k; i++) {
        const distance = metric === 'ip' ? -theirs.distances[i]! : theirs.distances[i]!;
        expect(Math.abs(ours.distances[i]! - distance), `rank ${i - q * k} of query ${q}`).toBeLessThanOrEqual(tolerance);
        // what they return and we do not must be a tie, to rounding
        if (!ours.labels.subarray(q * k, (q + 1) * k).includes(theirs.labels[i]!)) {
          expect(Math.abs(canonicalDistance(metric, query, rows[theirs.labels[i]!]!) - worst)).toBeLessThanOrEqual(tolerance);
        }
      }
    }
  });
});
