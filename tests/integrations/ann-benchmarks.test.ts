/** The module for ann-benchmarks, driven as its runner drives it, against the built command line and brute force in NumPy. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtCli, scratchFolder } from '../cli/cli.ts';
import { pythonWith, run } from './python.ts';

const root = join(import.meta.dirname, '../..');
const scratch = scratchFolder();
afterAll(() => scratch.remove());

interface Measured {
  readonly algorithm: string;
  readonly group: string;
  readonly name: string;
  readonly arguments: readonly number[];
  readonly size: number;
  readonly recall: number;
  readonly same: boolean;
}
type Fact = Partial<Measured> & { defined?: string; ended?: number; error?: string; few?: number[][]; zeros?: object };

let why: string | undefined;
let facts: Fact[] = [];
beforeAll(async () => {
  const python = await pythonWith(['numpy', 'yaml'], (reason) => {
    why = reason;
  });
  if (why !== undefined) return;
  const command = `'${process.execPath}' '${await builtCli()}'`;
  const args = [join(import.meta.dirname, 'ann_benchmarks_runner.py'), join(root, 'integrations/ann-benchmarks/isodex'), scratch.at('run')];
  const { stdout } = await run(python, args, { env: { ...process.env, ISODEX_COMMAND: command }, maxBuffer: 1 << 24 });
  facts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
});

describe('the module for ann-benchmarks', () => {
  const measured = () => facts.filter((fact): fact is Measured => fact.recall !== undefined);

  it('finds what brute force finds, one query at a time and in batches', ({ skip }) => {
    if (why !== undefined) skip(why);
    expect(measured().map(({ algorithm }) => algorithm)).toEqual(
      expect.arrayContaining(['isodex-flat', 'isodex-hnsw', 'isodex-ivf', 'isodex-opq-hnsw']),
    );
    for (const fact of measured()) {
      expect(fact.same, fact.name).toBe(true);
      expect(fact.size, fact.name).toBeGreaterThan(1000);
      expect(fact.recall, fact.name).toBeGreaterThan(fact.algorithm === 'isodex-flat' ? 0.999999 : 0.4);
    }
  });

  it('finds more the more it is asked to look at', ({ skip }) => {
    if (why !== undefined) skip(why);
    const approximate = measured().filter(({ algorithm }) => algorithm !== 'isodex-flat');
    expect(approximate.length).toBeGreaterThanOrEqual(20);
    for (let i = 0; i < approximate.length; i += 2) {
      const [least, most] = [approximate[i]!, approximate[i + 1]!];
      expect(most.recall, most.name).toBeGreaterThan(0.99);
      expect(least.recall, least.name).toBeLessThan(most.recall);
    }
  });

  it('says in its name what ran', ({ skip }) => {
    if (why !== undefined) skip(why);
    expect(facts.map(({ defined }) => defined)).toEqual(expect.arrayContaining(['Isodex(Flat)', 'Isodex(HNSW48, ef_construction=500)']));
    expect(measured().map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'Isodex(HNSW16, ef_construction=200, ef_search=800)',
        'Isodex(IVF256,Flat, nprobe=1)',
        'Isodex(OPQ16,HNSW16,PQ16,RFlat, ef_search=640, refine_factor=20)',
      ]),
    );
  });

  it('leaves out what has no direction, and keeps the numbers of the others', ({ skip }) => {
    if (why !== undefined) skip(why);
    expect(facts.find(({ zeros }) => zeros)?.zeros).toEqual({ same: true, exact: true, 'of zeros': [] });
  });

  it('ends its child, raises what goes wrong, and leaves padding out', ({ skip }) => {
    if (why !== undefined) skip(why);
    expect(new Set(facts.flatMap(({ ended }) => (ended === undefined ? [] : [ended])))).toEqual(new Set([0]));
    expect(facts.flatMap(({ error }) => error ?? [])).toEqual([
      'Isodex does not support the metric jaccard',
      'isodex ended early, with exit code 1; what it said is above',
      'isodex: vectors row 0, column 0 is NaN; every value must be finite',
    ]);
    const { few } = facts.find((fact) => fact.few) ?? {};
    expect(few!.map(([first]) => first)).toEqual([0, 0, 1]);
    expect(few!.map((labels) => [...labels].sort())).toEqual([...new Array(3)].map(() => [0, 1, 2]));
  });
});
