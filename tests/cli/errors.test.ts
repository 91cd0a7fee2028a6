/** Every error: one line on stderr that says what to do, exit code 1, and nothing half written. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLabels, writeVectors } from '../../src/io/write.ts';
import { isodex, scratchFolder, TEST, TRAIN } from './cli.ts';

const scratch = scratchFolder();
const at = scratch.at;
const index = at('a.isodex');
const graph = at('graph.isodex');
let before: string[];

beforeAll(async () => {
  expect(await isodex(['build', TRAIN, '--limit', '40', '--out', index])).toMatchObject({ code: 0 });
  expect(await isodex(['build', TRAIN, '--index', 'HNSW4', '--limit', '40', '--out', graph])).toMatchObject({ code: 0 });
  await writeVectors(at('other.npy'), new Float32Array(1568).fill(1), 1568); // a multiple of the index's dim
  const bad = new Float32Array(50).fill(1);
  bad[43] = Number.NaN;
  await writeVectors(at('nan.npy'), bad, 5);
  await writeVectors(at('zero.npy'), new Float32Array(50), 5);
  const many = new Float32Array(20 * 400_000).fill(1); // two batches
  many[20 * 300_000 + 3] = Infinity;
  await writeVectors(at('late.fbin'), many, 20);
  await writeLabels(at('short.ivecs'), new Int32Array(200 * 3), 3);
  await writeLabels(at('few.ivecs'), new Int32Array(10 * 10), 10);
  await writeLabels(at('foreign.ivecs'), new Int32Array(200 * 10).fill(99), 10);
  writeFileSync(at('ids.txt'), 'one\ntwo\n');
  writeFileSync(at('cut.isodex'), readFileSync(index).subarray(0, 5000));
  const flipped = readFileSync(index);
  flipped[9000]! ^= 4;
  writeFileSync(at('flipped.isodex'), flipped);
  copyFileSync(TEST, at('input-idx3-ubyte.gz'));
  mkdirSync(at('folder'));
  before = scratch.names();
});
afterAll(() => scratch.remove());

const inSearch = (...args: string[]) => ['search', index, TEST, ...args];
const inBuild = (input: string, ...args: string[]) => ['build', input, '--out', at('new.isodex'), ...args];
const inEval = (...args: string[]) => ['eval', index, TEST, ...args];

const cases: [name: string, args: string[], message: RegExp][] = [
  ['an unknown command', ['serch'], /unknown command 'serch' \(Did you mean search\?\)/],
  ['an unknown option', inSearch('--kk', '3'), /unknown option '--kk'/],
  ['a missing argument', ['search', index], /missing required argument 'queries'/],
  ['too many arguments', ['info', index, 'x'], /too many arguments/],
  ['no --out', ['build', TRAIN], /required option '--out <file>' not specified/],
  ['k of 0', inSearch('--k', '0'), /'-k, --k <n>' argument '0' is invalid. Give an integer of at least 1/],
  ['k of 1.5', inSearch('--k', '1.5'), /argument '1.5' is invalid/],
  ['a negative k', inSearch('--k', '-1'), /argument '-1' is invalid/],
  ['k of words', inEval('--truth', 'compute', '--k', 'ten'), /argument 'ten' is invalid/],
  ['threads of words', inSearch('--threads', 'x'), /'--threads <n>' argument 'x' is invalid. Give an integer from 1 to 1024/],
  ['a limit of 0', inSearch('--limit', '0'), /'--limit <n>' argument '0' is invalid/],
  ['a seed of 2^32', inBuild(TRAIN, '--seed', '4294967296'), /'--seed <n>' argument '4294967296' is invalid/],
  ['an unknown engine', inSearch('--engine', 'tpu'), /argument 'tpu' is invalid. Allowed choices are auto, gpu, cpu, reference/],
  ['an unknown metric', inBuild(TRAIN, '--metric', 'l1'), /argument 'l1' is invalid. Allowed choices are l2, ip, cosine/],
  ['an unknown format', inSearch('--format', 'xml'), /argument 'xml' is invalid/],
  ['M of 1', inBuild(TRAIN, '--index', 'HNSW1'), /M is 1; give an integer from 2 to 512/],
  ['M of 513', inBuild(TRAIN, '--index', 'HNSW', '--m', '513'), /M is 513; give an integer from 2 to 512/],
  ['two Ms', inBuild(TRAIN, '--index', 'HNSW32', '--m', '16'), /'HNSW32' says M 32, but M is 16; give one of them/],
  ['M of words', inBuild(TRAIN, '--index', 'HNSW', '--m', 'many'), /'--m <n>' argument 'many' is invalid. Give an integer\.$/m],
  [
    'no efConstruction',
    inBuild(TRAIN, '--index', 'HNSW', '--ef-construction', '0'),
    /efConstruction is 0; give an integer from 1 to 65536/,
  ],
  ['a stored efSearch of 70000', inBuild(TRAIN, '--index', 'HNSW', '--ef-search', '70000'), /efSearch is 70000; give an integer from 1/],
  ['a graph’s numbers for Flat', inBuild(TRAIN, '--m', '16'), /are for graphs; give --index HNSW, or leave them out for Flat/],
  ['an efSearch of 0', ['search', graph, TEST, '--ef-search', '0'], /efSearch is 0; give an integer from 1 to 65536/],
  [
    'an efSearch of 1e9',
    ['eval', graph, TEST, '--truth', 'compute', '--ef-search', '1000000000'],
    /efSearch is 1000000000; give an integer/,
  ],
  ['a negative efSearch', ['verify', graph, TEST, '--ef-search', '-5'], /'--ef-search <n>' argument '-5' is invalid/],
  ['NaN in a graph', inBuild(at('nan.npy'), '--index', 'HNSW4'), /nan\.npy row 8, column 3 is NaN/],
  ['to compact what is not there', ['compact', at('none.isodex')], /none\.isodex cannot be read \(ENOENT\)/],
  ['to compact into no folder', ['compact', graph, '--out', at('no/x.isodex')], /cannot write .*: there is no folder/],
  ['ivecs to standard output', inSearch('--format', 'ivecs'), /needs --out NAME\.ivecs/],
  ['ivecs under another name', inSearch('--format', 'ivecs', '--out', at('x.txt')), /needs --out NAME\.ivecs/],
  ['a missing input', inBuild(at('nowhere.npy')), /nowhere\.npy: there is no such file/],
  ['an input of no known name', inBuild(at('ids.txt')), /cannot read vectors from .*ids\.txt by its name/],
  ['a missing index', ['search', at('none.isodex'), TEST], /none\.isodex cannot be read \(ENOENT\)/],
  ['missing queries', ['search', index, at('none.npy')], /none\.npy: there is no such file/],
  ['no index file', ['info', TEST], /is not an Isodex index/],
  ['an index cut off', ['search', at('cut.isodex'), TEST], /cut\.isodex has 5000 bytes, .* cut off/],
  ['a flipped bit', ['info', at('flipped.isodex')], /flipped\.isodex.* damaged/],
  ['a flipped bit, verified', ['verify', at('flipped.isodex'), TEST], /flipped\.isodex.* damaged/],
  ['queries of another dim', ['search', index, at('other.npy')], /other\.npy has dim 1568, but the index .* has dim 784/],
  ['NaN', inBuild(at('nan.npy')), /nan\.npy row 8, column 3 is NaN/],
  ['Infinity in a later batch', inBuild(at('late.fbin')), /late\.fbin row 300000, column 3 is Infinity/],
  ['a zero row under cosine', inBuild(at('zero.npy'), '--metric', 'cosine'), /zero\.npy row 0 is zero/],
  ['too few keys', inBuild(TRAIN, '--ids', at('ids.txt')), /ids\.txt has 2 keys for 2000 rows/],
  ['missing keys', inBuild(TRAIN, '--ids', at('none.txt')), /none\.txt: there is no such file/],
  ['a target folder that is not there', ['build', TRAIN, '--out', at('no/x.isodex')], /cannot write .*: there is no folder/],
  ['a folder as the target', ['build', TRAIN, '--out', at('folder')], /cannot write .*folder: it is a folder/],
  ['the input as the target', ['build', at('input-idx3-ubyte.gz'), '--out', at('input-idx3-ubyte.gz')], /the input itself/],
  ['results into no folder', inSearch('--format', 'json', '--out', at('no/x.json')), /cannot write .*no\/x\.json/],
  ['no truth', inEval(), /required option '--truth <path>' not specified/],
  ['a missing truth', inEval('--truth', at('none.ivecs')), /none\.ivecs: there is no such file/],
  ['a truth of fewer neighbours', inEval('--truth', at('short.ivecs')), /short\.ivecs has 3 neighbours of each query, fewer than k = 10/],
  ['a truth of other queries', inEval('--truth', at('few.ivecs')), /few\.ivecs has the neighbours of 10 queries, but there are 200/],
  ['a truth of other data', inEval('--truth', at('foreign.ivecs')), /the truth names row 99, which the index of 40 rows does not have/],
];

describe('one line and exit code 1 for', () => {
  it.each(cases)('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await isodex(args);
    expect(stderr).toMatch(/^isodex: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
    expect(stdout).toBe('');
  });

  it('but two more that point at what is wrong with a description', async () => {
    const { code, stdout, stderr } = await isodex(inBuild(TRAIN, '--index', 'IVF16,Tree'));
    expect(stderr).toMatch(/^isodex: the index description 'IVF16,Tree' is not understood at character 7[^\n]+\n {2}IVF16,Tree\n {8}\^\n$/);
    expect(code).toBe(1);
    expect(stdout).toBe('');
  });

  it.each(['ivecs', 'json'])('a table into NAME.%s', async (format) => {
    const { code, stderr } = await isodex(inSearch('--out', at(`x.${format}`)));
    expect(stderr).toMatch(new RegExp(`--out is .*x\\.${format}, but the format is table; give --format ${format} or another name`));
    expect(code).toBe(1);
  });

  it('and writes nothing', () => {
    expect(scratch.names()).toEqual(before);
  });
});

describe('ISODEX_DEBUG=1', () => {
  it('shows the stack', async () => {
    const { code, stderr } = await isodex(['info', at('none.isodex')], { env: { ISODEX_DEBUG: '1' } });
    expect(stderr).toMatch(/\n {4}at /);
    expect(stderr).toMatch(/\nisodex: .*cannot be read \(ENOENT\)\n$/);
    expect(code).toBe(1);
  });
});

describe('Ctrl-C', () => {
  /** Interrupts ever later, until the process had started far enough to notice. */
  const interrupted = async (args: string[]) => {
    for (let ms = 300; ; ms *= 2) {
      const ended = await isodex(args, { interruptAfterMs: ms });
      if (ended.code !== null) return ended;
    }
  };

  it('ends a search with code 130', async () => {
    const wide = at('wide.isodex');
    await isodex(['build', at('late.fbin'), '--limit', '200000', '--out', wide]);
    const args = ['eval', wide, at('late.fbin'), '--limit', '5000', '--truth', 'compute', '--engine', 'cpu'];
    expect(await interrupted(args)).toEqual({ code: 130, stdout: '', stderr: 'isodex: interrupted\n' });
    rmSync(wide);
  });

  it('leaves no part of an index', async () => {
    const rows = 20_000_000; // zeros that take no room on disk, and seconds to read
    writeFileSync(at('zeros.fbin'), Uint32Array.of(rows, 16));
    truncateSync(at('zeros.fbin'), 8 + rows * 16 * 4);
    expect(await interrupted(inBuild(at('zeros.fbin')))).toEqual({ code: 130, stdout: '', stderr: 'isodex: interrupted\n' });
    rmSync(at('zeros.fbin'));
    expect(scratch.names()).toEqual(before);
  });

  it('ends the linking of a graph, and leaves no part of it', async () => {
    const rows = 300_000; // a fraction of a second to read, and half a minute and more to link
    await writeVectors(
      at('noise.fbin'),
      Float32Array.from({ length: rows * 16 }, (_, i) => Math.sin(i * i)),
      16,
    );
    const slow = inBuild(at('noise.fbin'), '--index', 'HNSW32', '--threads', '1', '--engine', 'cpu');
    const ended = await isodex(slow, { interruptAfterMs: 3000 });
    rmSync(at('noise.fbin'));
    expect(ended).toEqual({ code: 130, stdout: '', stderr: 'isodex: interrupted\n' });
    expect(scratch.names()).toEqual(before);
  });
});

describe('help', () => {
  it.each(['build', 'search', 'eval', 'verify', 'info', 'compact', 'doctor'])('of %s', async (command) => {
    const { code, stdout, stderr } = await isodex([command, '--help']);
    expect(stdout).toMatch(new RegExp(`^Usage: isodex ${command} `));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('names all commands', async () => {
    const { code, stdout } = await isodex(['--help']);
    for (const command of ['build', 'search', 'eval', 'verify', 'info', 'compact', 'doctor']) expect(stdout).toContain(`\n  ${command} `);
    expect(code).toBe(0);
  });

  it('gives the version', async () => {
    const { code, stdout } = await isodex(['--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });
});
