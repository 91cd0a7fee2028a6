/** Isodex as a contender, with whatever index a description says: on one engine, through the public interface of the built library. */

import { BYTES, type Dtype } from '../../src/kernels/kernel.ts';
import type * as Isodex from '../../src/node.ts';
import type { CodedRequests } from '../compressed/protocol.ts';
import { readFloats, writeNumbers } from '../files.ts';
import type { Setting } from '../index-protocol.ts';
import { rowsOf } from './adapter.ts';
import { codeHash, type Opened, type OpenRequest, openIsodex } from './isodex.ts';
import { oneByOne, resident, sampled, serve } from './serve.ts';

let opened: Opened | undefined;
let index: Isodex.VectorIndex;
let all: Float32Array;
let each: Float32Array[];
let k: number;
let answer: Isodex.Neighbors;

const search = (queries: Float32Array, setting: Setting, wanted = k) => index.search(queries, { k: wanted, ...setting });

/** Sections that do not grow with the rows: what was learned. */
const FIXED = /^(mean|matrix|list[SC]|code[SC]|centroids)/;

/** Bytes of a file's sections; what does not grow with the rows, the header included, in one sum. */
async function fileParts({ readInfo }: typeof Isodex, path: string): Promise<Record<string, number>> {
  const { sections, fileBytes } = await readInfo(path);
  const parts: Record<string, number> = {};
  for (const { name, dtype, length } of sections) if (!FIXED.test(name)) parts[name] = length * BYTES[dtype as Dtype];
  const growing = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  return { ...parts, fixed: fileBytes - growing };
}

await serve<CodedRequests>({
  async open(request) {
    const options = request as unknown as OpenRequest;
    const result = await openIsodex(options);
    if ('skip' in result) return result;
    opened = result;
    return { ...result.info, version: `${result.info.isodex}-${codeHash(options.library)}` };
  },

  async build({ base, path, description, metric, ...shape }) {
    const { library, engine } = opened!;
    index = await library.createIndex(description, { ...shape, metric: metric as Isodex.Metric, engine });
    const rows = readFloats(base);
    let warnings: readonly string[] = [];
    const train = await sampled(async () => {
      ({ warnings } = await index.train(rows));
    });
    const add = await sampled(async () => {
      await index.add(rows);
      await index.prepare();
    });
    await index.save(path);
    return { train, add, threads: engine.info.threads, warnings };
  },

  async load({ path, queries, dim, k: wanted, originals }) {
    const { library, engine } = opened!;
    k = wanted;
    all = readFloats(queries);
    each = rowsOf(all, dim);
    const file = await fileParts(library, path);
    const rssBefore = resident();
    index = await library.openIndex(path, { engine, originals });
    await index.prepare();
    return { rssBefore, rss: resident(), memory: index.memory, file };
  },

  async search({ setting, k: wanted }) {
    return sampled(async () => {
      answer = await search(all, setting, wanted);
    });
  },

  async single({ setting, k: wanted, first, count }) {
    return { seconds: await oneByOne(first, count, each.length, (q) => search(each[q]!, setting, wanted)) };
  },

  async answers({ labels }) {
    writeNumbers(labels, answer.labels);
    return {};
  },

  resident: async () => ({ rss: resident() }),
});
opened?.engine.close();
