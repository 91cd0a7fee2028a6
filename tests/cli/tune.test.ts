/** Tuning on the command line. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeVectors } from '../../src/io/write.ts';
import { parseTuning } from '../../src/node.ts';
import { lowRank } from '../index/helpers.ts';
import { isodex, scratchFolder } from './cli.ts';

const scratch = scratchFolder();
const rows = scratch.at('rows.npy');
const out = scratch.at('tuning.json');
const tune = (...args: string[]) => isodex(['tune', rows, '--engine', 'cpu', '--threads', '1', '--indexes', 'Flat,HNSW', ...args]);

beforeAll(() => writeVectors(rows, lowRank(1500, 32, 1, 8, 0.1), 32));
afterAll(() => scratch.remove());

describe('tune', () => {
  it('prints the frontier and the best point, and writes the result', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await tune('--min-recall', '0.9', '--objective', 'memory', '--out', out);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^index +recall@10 +p99 ms +QPS +MiB +build s\n(.*\n)*best +\S/);
    expect(stdout).toMatch(/measured on +1425 rows of dim 32, 75 queries held out of them/);
    const result = parseTuning(readFileSync(out, 'utf8'));
    expect(result.wish).toMatchObject({ minRecall: 0.9, objective: 'memory' });
    expect(result.best!.build.description).toMatch(/^Flat|HNSW/);
    expect(existsSync(`${out}.trials.jsonl`)).toBe(false);
  });

  it('tells what can be had where nothing meets the wish, with exit code 2', { timeout: 120_000 }, async () => {
    const { code, stdout } = await tune('--target-p99', '0.001ms', '--indexes', 'Flat');
    expect(code).toBe(2);
    expect(stdout).toMatch(/best found +Flat, which misses maxP99\n/);
    expect(stdout).toMatch(/within reach +--min-recall 0\.95 --target-p99 [\d.]+ms\n/);
  });

  it('makes vectors up where it is asked to, and says what that hides', { timeout: 60_000 }, async () => {
    const made = scratch.at('made-up.json');
    const { code, stdout, stderr } = await isodex(['tune', '--synthetic', '900x12', '--indexes', 'Flat', '--engine', 'cpu', '--out', made]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/made-up vectors have clusters of one size and shape: .* tune on your own/);
    expect(stdout).toMatch(/measured on +855 made-up rows of dim 12/);
    expect(parseTuning(readFileSync(made, 'utf8')).measuredOn).toMatchObject({ synthetic: true, n: 855, dim: 12 });
    const misfit = await isodex(['build', rows, '--tuning', made, '--out', scratch.at('misfit.isodex')]);
    expect(misfit).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/rows\.npy has dim 32, but .*made-up\.json was measured on dim 12/),
    });
    for (const args of [['tune'], ['tune', rows, '--synthetic', '10x10']]) {
      const refused = await isodex(args);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/give a file of vectors, or --synthetic .* and not both/) });
    }
    expect((await isodex(['tune', '--synthetic', '100'])).stderr).toMatch(/Give rows and values of a row, as '100000x384'/);
  });

  it('says why there was nothing to try', async () => {
    const { code, stdout } = await tune('--max-memory', '1KB', '--indexes', 'Flat');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^best found +none: nothing could be tried\n/);
    expect(stdout).toMatch(/not tried +Flat is left out: it would take \d+ bytes, more than 1024\n/);
  });

  it('leads to an index', { timeout: 60_000 }, async () => {
    const index = scratch.at('tuned.isodex');
    const { code, stdout, stderr } = await isodex(['build', rows, '--tuning', out, '--out', index, '--engine', 'cpu']);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(parseTuning(readFileSync(out, 'utf8')).best!.build.description);
    const both = await isodex(['build', rows, '--tuning', out, '--index', 'Flat', '--out', index]);
    expect(both.code).toBe(1);
  });

  it('goes on after an interruption, but not with trials of other data', { timeout: 120_000 }, async () => {
    const journal = `${out}.trials.jsonl`;
    const { trials } = parseTuning(readFileSync(out, 'utf8'));
    writeFileSync(journal, `{"another":"run"}\n${JSON.stringify(trials[0])}\n`);
    const { code, stderr } = await tune('--min-recall', '0.9', '--indexes', 'Flat', '--out', out);
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/taken as they are/);
    expect(stderr).toMatch(/is of another run, and is begun anew/);
  });

  it.each([
    [['--indexes', 'Tree'], "isodex: --indexes has 'Tree'; give some of Flat,IVF,HNSW,OPQ+HNSW"],
    [['--min-recall', '2'], /min-recall.* Give a number from 0 to 1/],
    [['--budget', 'soon'], /budget.* Give a time with its unit, as '10ms', '30s' or '15m'/],
    [['--budget', '2'], /budget.* Give a time with its unit/],
    [['--max-memory', '1G'], /max-memory.* Give a size with its unit/],
    [['--out', '/nowhere/at/all.json'], 'isodex: cannot write /nowhere/at/all.json: there is no folder /nowhere/at'],
    [['--max-memory', 'little'], /max-memory.* Give a size with its unit, as '500MB' or '1GB'/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await tune(...args);
    expect(code).toBe(1);
    if (typeof message === 'string') expect(stderr.trim()).toBe(message);
    else expect(stderr).toMatch(message);
  });
});
