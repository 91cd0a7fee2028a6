/** eval, verify and doctor. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differingQueries } from '../../src/cli/compare.ts';
import { findMissing } from '../../src/cli/missing.ts';
import { readLabels } from '../../src/io/labels.ts';
import { writeLabels } from '../../src/io/write.ts';
import { findGpu } from '../contract/engines.ts';
import { builtCli, isodex, scratchFolder, TEST, TRAIN } from './cli.ts';

const scratch = scratchFolder();
const index = scratch.at('fashion.isodex');
const truth = scratch.at('truth.ivecs');

beforeAll(async () => {
  await builtCli();
  await isodex(['build', TRAIN, '--out', index]);
  await isodex(['search', index, TEST, '--limit', '20', '--format', 'ivecs', '--out', truth, '--engine', 'reference']);
});
afterAll(() => scratch.remove());

const evalJson = async (...args: string[]) => {
  const { code, stdout, stderr } = await isodex(['eval', index, TEST, '--limit', '20', '--engine', 'cpu', '--json', ...args]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe('eval', () => {
  it('finds the recall of 1 that exact search has, and measures', async () => {
    const found = await evalJson('--truth', truth);
    expect(found).toMatchObject({
      k: 10,
      queries: 20,
      recall: 1,
      hits: 200,
      possible: 200,
      engine: 'cpu',
      truth: { source: 'file', path: truth },
    });
    expect(found.qps).toBeGreaterThan(0);
    expect(found.latencyMs.p99).toBeGreaterThanOrEqual(found.latencyMs.p50);
    expect(found.latencyMs.queries).toBe(20);
  });

  it('finds it against a truth that it computes on another engine', async () => {
    expect(await evalJson('--truth', 'compute', '--k', '3')).toMatchObject({
      recall: 1,
      possible: 60,
      truth: { source: 'computed', engine: 'reference' },
    });
  });

  it('asks for no more neighbours than the truth has, where it is padded', async () => {
    const { labels } = await readLabels(truth);
    const part = scratch.at('part.isodex');
    await isodex(['build', TRAIN, '--limit', '1000', '--out', part]);
    const kept = Int32Array.from(labels, (label) => (label < 1000 ? label : -1));
    await writeLabels(scratch.at('kept.ivecs'), kept, 10);
    const { stdout } = await isodex(['eval', part, TEST, '--limit', '20', '--truth', scratch.at('kept.ivecs'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ recall: 1, possible: kept.filter((label) => label >= 0).length });
  });

  it('prints a table', async () => {
    const { code, stdout } = await isodex(['eval', index, TEST, '--limit', '20', '--truth', truth, '--engine', 'cpu', '--threads', '1']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/recall@10 +1\.0000 \(200 of 200\)\nQPS +[\d.e+]+ \(20 queries in a batch, best of \d\)\np50 +[\d.]+ ms/);
  });
});

describe('verify', async () => {
  const gpu = await findGpu();

  it('lists every engine of this machine with no difference', async () => {
    const { code, stdout } = await isodex(['verify', index, TEST, '--limit', '4', '--k', '3']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^engine +adapter +threads +seconds +differing/);
    expect(lines.filter((line) => /^(reference|cpu|gpu) .* 0 of 4( |$)/.test(line)).length).toBeGreaterThanOrEqual(gpu ? 3 : 2);
    expect(lines[1]).toMatch(/^reference /);
    expect(lines.at(-1)).toMatch(gpu ? /^gpu .* 0 of 4/ : /^gpu .*not available: /);
    expect(code).toBe(0);
  });

  it('says why an engine cannot be opened, and does not fail for it', async () => {
    mkdirSync(scratch.at('empty'), { recursive: true });
    writeFileSync(scratch.at('empty/none.json'), '{}');
    const env = { VK_DRIVER_FILES: scratch.at('empty/none.json'), VK_ICD_FILENAMES: scratch.at('empty/none.json') };
    const { code, stdout } = await isodex(['verify', index, TEST, '--limit', '1', '--k', '1'], { env });
    // With SwiftShader on the machine the library itself turns to it when the named drivers have no adapter.
    expect(stdout).toMatch(/\ngpu .*(not available: \S+|software driver)/);
    expect(code).toBe(0);
  });

  it('tells when another engine answered', async () => {
    const small = scratch.at('small.isodex');
    await isodex(['build', TRAIN, '--limit', '20', '--out', small]);
    const { code, stdout } = await isodex(['verify', small, TEST, '--limit', '2']);
    if (gpu) expect(stdout).toMatch(/gpu .*0 of 2 +answered by cpu/);
    expect(code).toBe(0);
  });
});

describe('differingQueries', () => {
  const answer = (labels: number[], distances: number[]) => ({
    k: 2,
    labels: Int32Array.from(labels),
    distances: Float32Array.from(distances),
    engine: 'cpu',
    distancesOf: 'vectors' as const,
  });
  const base = answer([3, 1, 4, 1, 5, -1], [0, 1, 2, 3, 4, Infinity]);

  it('finds none between equals', () => expect(differingQueries(base, answer([3, 1, 4, 1, 5, -1], [0, 1, 2, 3, 4, Infinity]))).toEqual([]));
  it('finds a label', () => expect(differingQueries(base, answer([3, 1, 4, 2, 5, -1], [0, 1, 2, 3, 4, Infinity]))).toEqual([1]));
  it('finds swapped ties', () => expect(differingQueries(base, answer([1, 3, 4, 1, 5, -1], [0, 1, 2, 3, 4, Infinity]))).toEqual([0]));
  it('finds the last bit', () => {
    const close = answer([3, 1, 4, 1, 5, -1], [0, 1, 2, 3.0000002384185791, 4, Infinity]);
    expect(differingQueries(base, close)).toEqual([1]);
  });
  it('tells −0 from +0', () => expect(differingQueries(base, answer([3, 1, 4, 1, 5, -1], [-0, 1, 2, 3, 4, Infinity]))).toEqual([0]));
  it('tells hops apart, where both were counted', () => {
    const hops = (...counts: number[]) => ({ ...base, stats: { hops: Uint32Array.from(counts), distances: Uint32Array.of(9, 9, 9) } });
    expect(differingQueries(hops(5, 6, 7), hops(5, 8, 7))).toEqual([1]);
    expect(differingQueries(hops(5, 6, 7), hops(5, 6, 7))).toEqual([]);
  });
  it('counts a query once', () => expect(differingQueries(base, answer([9, 9, 9, 9, 9, 9], [9, 9, 9, 9, 9, 9]))).toEqual([0, 1, 2]));
  it('refuses other shapes', () => expect(() => differingQueries(base, answer([1, 2], [1, 2]))).toThrow('shapes'));
  it('works on parts of a buffer', () => {
    const buffer = Float32Array.from([7, 0, 1, 2, 3, 4, Infinity]).subarray(1);
    expect(differingQueries(base, { ...base, distances: buffer })).toEqual([]);
  });
});

describe('doctor', () => {
  it('never fails, and tells about Node, WASM and adapters', async () => {
    const { code, stdout, stderr } = await isodex(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of ['isodex', 'node', 'processor', 'memory', 'WASM', 'webgpu', 'adapter'])
      expect(stdout).toMatch(new RegExp(`(^|\n)${name} `));
  });

  it('gives json', async () => {
    const { code, stdout } = await isodex(['doctor', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      node: process.versions.node,
      wasm: { simd: true, relaxedSimd: expect.any(Boolean), threads: true },
      adapters: expect.any(Array),
      missing: expect.any(Array),
    });
  });

  const bare = {
    isodex: '1',
    node: '24',
    platform: 'linux x64',
    processor: '',
    cores: 1,
    memory: { total: 1, free: 1 },
    wasm: { simd: true, relaxedSimd: true, threads: true },
    webgpu: { version: '1' },
    adapters: [],
  };
  const none = { devices: [], loader: undefined, manifests: [], stray: undefined, software: undefined };
  const commands = (findings: Parameters<typeof findMissing>[0]) => findMissing(findings).map(({ command }) => command);

  it('names the command for whatever is missing', () => {
    expect(commands({ ...bare, drivers: none })).toEqual([
      'apt-get install --no-install-recommends libvulkan1',
      undefined,
      'apt-get install --no-install-recommends chromium',
    ]);
    expect(commands({ ...bare, webgpu: { problem: 'none' } })).toEqual(['npm install webgpu']);
    const complete = { ...none, loader: '/lib/libvulkan.so.1', software: '/swiftshader.json' };
    expect(commands({ ...bare, drivers: { ...complete, devices: ['/dev/dri/renderD128'] } })).toEqual([
      'apt-get install mesa-vulkan-drivers',
    ]);
    expect(commands({ ...bare, drivers: { ...complete, devices: ['/dev/nvidia0'] } })).toEqual(['apt-get install nvidia-vulkan-icd']);
    expect(commands({ ...bare, drivers: { ...complete, devices: ['/dev/nvidia0'], stray: '/x.json' } })).toEqual([
      'export VK_DRIVER_FILES=/x.json',
    ]);
  });
});
