/** Runs every example of the README and of the guide, on small data, against the built library. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIndex, writeLabels, writeVectors } from '../../src/node.ts';
import { isodex, scratchFolder } from '../cli/cli.ts';
import { lowRank } from '../index/helpers.ts';
import { commandsOf, examplesOf, root } from './examples.ts';

const isBuilt = existsSync(join(root, 'dist', 'node.js'));
const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** Files that the commands name. */
const DIM = 64;
const rows = lowRank(2000, DIM, 1, 12, 0.1);
const queries = lowRank(60, DIM, 2, 12, 0.1);

/** What makes commands short that take minutes: fewer rows and kinds, and no libraries that would be installed first (tests/bench has those). */
const SHORTER: Readonly<Record<string, readonly string[]>> = {
  'bench --quick': ['--against', '', '--limit', '2000', '--kinds', 'Flat,HNSW'],
};

/** Names that the programs use and do not make. */
const PRELUDE = `
const vectors = new Float32Array(1300 * 384);
for (let i = 0, state = 1; i < vectors.length; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  vectors[i] = (i % 384 < 24 ? 4 : 0.2) * (state / 2 ** 32 - 0.5);
}
const queries = vectors.slice(0, 40 * 384);
const keys = Array.from({ length: 1300 }, (_, i) => 'row ' + i);
`;

beforeAll(async () => {
  await writeVectors(scratch.at('base.npy'), rows, DIM);
  await writeVectors(scratch.at('query.npy'), queries, DIM);
  writeFileSync(scratch.at('base-ids.txt'), Array.from({ length: 2000 }, (_, i) => `id ${i}\n`).join(''));
  using flat = await createIndex('Flat', { dim: DIM, metric: 'cosine', engine: 'cpu' });
  await flat.add(rows);
  const { labels, k } = await flat.search(queries, { k: 10 });
  await writeLabels(scratch.at('truth.ivecs'), labels, k);
  // as in a project that has the package
  mkdirSync(scratch.at('node_modules'));
  symlinkSync(root, scratch.at('node_modules/isodex'));
});

for (const document of ['README.md', 'docs/tuning.md']) {
  describe(document, () => {
    for (const example of examplesOf(document)) {
      const name = `line ${example.line} (${example.language})`;
      if (example.language === 'ts') {
        it.skipIf(!isBuilt)(name, { timeout: 180_000 }, async () => {
          const path = scratch.at(`example-${document.replace(/\W/g, '-')}-${example.line}.mts`);
          writeFileSync(path, `${PRELUDE}\n${example.text}\nprocess.exit(0);\n`);
          const run = promisify(execFile)(process.execPath, [path], { cwd: scratch.at('.') });
          await expect(run.then(({ stderr }) => stderr.replace(/isodex: .*no .*GPU.*\n/g, ''))).resolves.not.toMatch(/Error/);
        });
      }
      for (const command of commandsOf(example)) {
        it(`${name}: isodex ${command.join(' ')}`, { timeout: 180_000 }, async () => {
          const { code, stderr } = await isodex([...command, ...(SHORTER[command.join(' ')] ?? [])], { cwd: scratch.at('.') });
          expect(code, stderr).toBe(0);
        });
      }
    }
  });
}

it('what documents link to is there', () => {
  const documents = ['README.md', ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))];
  const broken = documents.flatMap((document) => {
    const links = [...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path]) => path!);
    return links.filter((path) => !existsSync(join(root, dirname(document), path))).map((path) => `${document}: ${path}`);
  });
  expect(broken).toEqual([]);
});

describe('examples', () => {
  it('are found', () => {
    expect(examplesOf('README.md').filter(({ language }) => language === 'ts')).not.toHaveLength(0);
    expect(examplesOf('docs/tuning.md').length).toBeGreaterThan(7);
    const [first] = examplesOf('docs/tuning.md');
    expect(commandsOf(first!)[2]).toEqual(['info', 'tuned.isodex']);
  });
});
