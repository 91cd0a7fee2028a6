/** Holds the walls of the house (docs/architecture.md): who may import whom, and that each kernel's four places agree. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, moduleOf } from '../src/host/gpu/compile.ts';
import { createDawn } from '../src/host/gpu/dawn.ts';
import { PipelineCache } from '../src/host/gpu/pipelines.ts';
import { kernels } from '../src/kernels/all.ts';
import { exportName, type Kernel } from '../src/kernels/kernel.ts';
import { featuresOf, shaderNames, shaderText } from '../src/kernels/wgsl.ts';
import { distinctPlans, LIMITS, type Planned, plansOf } from './house/plans.ts';
import { filesIn, readSources, root, type SourceFile, sourceFile, textOf } from './house/source.ts';
import { circles, engineLeaks, platformLeaks, reachedFrom, wrongDirections } from './house/walls.ts';
import { assemblyParameters, ELEMENTS, functionsOf, shaderFace } from './house/wgsl.ts';

const sources = [...readSources('src'), ...readSources('demo')];
const byName = new Map(kernels.map((kernel) => [kernel.name, kernel]));
const exists = (path: string) => existsSync(join(root, path));

describe('imports', () => {
  it('fall one way', () => expect(wrongDirections(sources)).toEqual([]));
  it('form no circle, type imports included', () => expect(circles(sources)).toEqual([]));
  it('leave the knowledge of all engines to src/host/open.ts', () => expect(engineLeaks(sources)).toEqual([]));
  it('reach for Node and packages only where Node alone loads the file', () => expect(platformLeaks(sources)).toEqual([]));

  it('lead to files that exist', () => {
    const broken = sources.flatMap(({ path, imports }) =>
      imports.filter(({ to }) => /^(src|demo)\//.test(to) && !exists(to)).map(({ to }) => `${path}: ${to}`),
    );
    expect(broken).toEqual([]);
  });

  it('lead from src/main.ts to nothing that a browser cannot load', ({ skip }) => {
    if (!exists('src/main.ts')) skip('there is no src/main.ts yet');
    const nodeOnly = reachedFrom('src/main.ts', sources).filter(({ imports }) =>
      imports.some(({ to, type }) => !type && to.startsWith('node:')),
    );
    expect(nodeOnly.map(({ path }) => path)).toEqual([]);
  });

  it('are not shadowed by a src/index.ts', () => expect(exists('src/index.ts')).toBe(false));
});

describe('the walls themselves can be seen to fail', () => {
  const file = (path: string, text: string): SourceFile => sourceFile(path, text);

  it.each([
    ['upwards', file('src/util/a.ts', "import type { X } from '../host/engine.ts';"), wrongDirections],
    ['by re-export', file('src/kernels/a.ts', "export * from '../host/engine.ts';"), wrongDirections],
    ['by a type expression', file('src/host/a.ts', "let x: import('../index/vector-index.ts').Metric;"), wrongDirections],
    ['late', file('src/index/a.ts', "const x = await import('../tune/recall.ts');"), wrongDirections],
    ['io from an index', file('src/index/a.ts', "import { open } from '../io/npy.ts';"), wrongDirections],
    ['an index from io', file('src/io/a.ts', "import { openIndex } from '../index/format.ts';"), wrongDirections],
    ['an engine from io', file('src/io/a.ts', "import type { Engine } from '../host/engine.ts';"), wrongDirections],
    ['the CLI from the tuner', file('src/tune/a.ts', "import '../cli/main.ts';"), wrongDirections],
    ['from nowhere', file('src/odd/a.ts', ''), wrongDirections],
    ['tests', file('src/util/a.ts', "import { seed } from '../../tests/contract/data.ts';"), wrongDirections],
    ['itself', file('src/util/a.ts', "import type { A } from './a.ts';"), circles],
    ['the CPU from an index', file('src/index/a.ts', "import type { WasmMemory } from '../host/cpu/memory.ts';"), engineLeaks],
    ['an engine by value', file('src/host/auto-engine.ts', "import { CpuEngine } from './cpu/cpu-engine.ts';"), engineLeaks],
    ['the reference engine', file('src/tune/a.ts', "import { ReferenceEngine } from '../host/reference-engine.ts';"), engineLeaks],
    ['Node', file('src/index/a.ts', "import type { Hash } from 'node:crypto';"), platformLeaks],
    ['Node by its old name', file('src/host/a.ts', "import fs from 'fs';"), platformLeaks],
    ['a package', file('src/index/a.ts', "import { x } from 'hyparquet';"), platformLeaks],
    ['Node by a call', file('src/index/a.ts', "process.getBuiltinModule('node:fs');"), platformLeaks],
    ['Node past the door', file('src/host/a.ts', "process.getBuiltinModule('node:fs');"), platformLeaks],
    ['Node by value in a file of types', file('src/util/node-module.ts', "import { open } from 'node:fs/promises';"), platformLeaks],
    ['a platform from a kernel', file('src/kernels/a.ts', 'if (navigator.gpu) {}'), platformLeaks],
  ])('%s', (_, planted, wall) => expect(wall([planted])).toHaveLength(1));

  it('over a circle of three, one of them by type', () => {
    const three = [
      file('src/util/a.ts', "import { b } from './b.ts';"),
      file('src/util/b.ts', "export type { C } from './c.ts';"),
      file('src/util/c.ts', "import * as a from './a.ts';"),
    ];
    expect(circles(three)).toEqual(['src/util/a.ts → src/util/b.ts → src/util/c.ts → src/util/a.ts']);
  });

  it('and let pass what is allowed', () => {
    const fine = [
      file('src/index/node-file.ts', "import { open } from 'node:fs/promises';\nimport type { Engine } from '../host/engine.ts';"),
      file('src/io/a.ts', "import { badFile } from '../util/errors.ts';\nimport type { Metric } from '../index/vector-index.ts';"),
      file('src/tune/a.ts', "import { openVectors } from '../io/source.ts'; // import '../cli/main.ts'"),
      file('src/host/auto-engine.ts', "import type { CpuEngine } from './cpu/cpu-engine.ts';"),
      file('src/host/open.ts', "import { CpuEngine } from './cpu/cpu-engine.ts';"),
    ];
    for (const wall of [wrongDirections, circles, engineLeaks, platformLeaks]) expect(wall(fine)).toEqual([]);
  });
});

describe('files', () => {
  const all = [...sources.map(({ path }) => path), ...filesIn('shaders')];
  const linesOf = (path: string) => textOf(path).trimEnd().split('\n').length;

  it('have 400 lines at most', () => {
    expect(all.filter((path) => linesOf(path) > 400).map((path) => `${path}: ${linesOf(path)} lines`)).toEqual([]);
  });

  it('leave nothing for later', () => {
    expect(all.filter((path) => /\b(TODO|FIXME)\b/.test(textOf(path)))).toEqual([]);
  });

  it('start with a header where they are shaders', () => {
    expect(filesIn('shaders').filter((path) => !path.endsWith('.wgsl') || !textOf(path).startsWith('// '))).toEqual([]);
  });
});

describe('kernels', () => {
  const faster = (path: string) => path.split('/').length > 2; // shaders/<feature>/<name>.wgsl
  const descriptions = filesIn('src/kernels', '.ts').filter(
    (path) => /^src\/kernels\/[^/]+\.ts$/.test(path) && /= defineKernel\(/.test(textOf(path)),
  );

  it('are all in all.ts, once', () => {
    expect(kernels.map(({ name }) => `src/kernels/${name}.ts`).sort()).toEqual(descriptions);
    expect(byName.size).toBe(kernels.length);
  });

  it('have a shader exactly where they have a plan', () => {
    const whole = filesIn('shaders').filter((path) => !faster(path));
    expect(whole.map((path) => basename(path, '.wgsl'))).toEqual(shaderNames);
    const planned = kernels.filter(({ plan }) => plan).map(({ name }) => name);
    expect(planned.sort()).toEqual(shaderNames);
  });

  it('have faster functions only in the place of others, of the same form', () => {
    for (const path of filesIn('shaders').filter(faster)) {
      const plain = functionsOf(shaderText(basename(path, '.wgsl')));
      const replaced = [...functionsOf(textOf(path))].filter(([name]) => name !== 'main' && plain.has(name));
      expect(replaced.length, path).toBeGreaterThan(0);
      for (const [name, form] of replaced) expect(form, path).toBe(plain.get(name));
    }
  });

  it('have scratch only where they have no plan', () => {
    const scratched = kernels.filter(({ bindings }) => Object.values(bindings).some(({ access }) => access === 'scratch'));
    expect(scratched.filter(({ plan }) => plan).map(({ name }) => name)).toEqual([]);
  });

  describe.each([...kernels])('$name', (kernel) => {
    const { name } = kernel;
    const assembly = `src/kernels/simd/assembly/${name}.ts`;

    it('has its places', () => {
      const places = [`src/kernels/${name}.ts`, `src/kernels/cpu/${name}.ts`, `tests/kernels/${name}.test.ts`];
      expect(exists(assembly)).toBe(!kernel.deviceOnly);
      expect(places.filter((path) => !exists(path))).toEqual([]);
      expect(textOf(`src/kernels/${name}.ts`)).toContain(`export const ${exportName(name)} = defineKernel(`);
      expect(textOf(`src/kernels/cpu/${name}.ts`)).toContain(`export function ${exportName(name)}Twin(`);
      if (!kernel.deviceOnly) {
        expect(textOf('src/kernels/simd/assembly/module.ts')).toContain(`export { ${exportName(name)} } from './${name}';`);
      }
      expect(textOf(`tests/kernels/${name}.test.ts`)).toMatch(new RegExp(`kernelContract\\(\\s*${exportName(name)},`));
    });

    it.skipIf(kernel.deviceOnly)('has a WASM export that takes its bindings, its params and a range', () => {
      expect(assemblyParameters(textOf(assembly), exportName(name))).toEqual([
        ...Object.keys(kernel.bindings).map((binding) => ({ name: binding, type: 'usize' })),
        ...[...kernel.params, 'begin', 'end'].map((param) => ({ name: param, type: 'i32' })),
      ]);
    });
  });
});

describe.each([...shaderNames])('shaders/%s.wgsl', (name) => {
  const kernel = byName.get(name)!;
  const face = shaderFace(shaderText(name));

  it('binds what its description names, in order, and the params last', () => {
    const spaces = { read: 'storage,read', write: 'storage,read_write', scratch: 'of no shader' };
    const expected = Object.entries(kernel.bindings).map(([binding, { access }]) => ({ name: binding, space: spaces[access] }));
    expect(face.bindings.map(({ name: binding, space }) => ({ name: binding, space }))).toEqual([
      ...expected,
      { name: 'params', space: 'uniform' },
    ]);
    expect(face.bindings.map(({ group }) => group)).toEqual(face.bindings.map(() => 0));
    expect(face.bindings.map(({ binding }) => binding)).toEqual(face.bindings.map((_, i) => i));
    expect(face.bindings.at(-1)!.type).toBe('Params');
  });

  it('binds arrays of what the dtypes say', () => {
    for (const [i, { dtype }] of Object.values(kernel.bindings).entries()) {
      expect(face.bindings[i]!.type, face.bindings[i]!.name).toMatch(ELEMENTS[dtype] ?? /no form in WGSL/);
    }
  });

  it('has the params of its description, all u32', () => {
    expect(face.params).toEqual(kernel.params.map((param) => ({ name: param, type: 'u32' })));
  });

  it('is given a value for each override, and no other', () => {
    for (const { plan } of distinctPlans(kernel)) expect(Object.keys(plan.constants).sort()).toEqual([...face.overrides].sort());
  });

  it('is planned within the limits', () => {
    const wrong = [...plansOf(kernel)].filter(
      ({ plan: { constants, grid }, limits }) =>
        !grid.every((size) => Number.isInteger(size) && size >= 0 && size <= limits.maxComputeWorkgroupsPerDimension) ||
        !Object.values(constants).every((value) => Number.isInteger(value) && value >= 1),
    );
    expect(wrong.slice(0, 3)).toEqual([]);
  });
});

describe('on Dawn’s null backend', () => {
  let small: GPUDevice;
  let large: GPUDevice;
  const withFeature = new Map<string, GPUDevice>();

  beforeAll(async () => {
    const gpu = await createDawn(['backend=null']);
    const adapterOf = async () => (await gpu?.requestAdapter()) ?? expect.fail('the package webgpu is missing');
    small = await (await adapterOf()).requestDevice();
    const adapter = await adapterOf();
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX, maxComputeWorkgroupStorageSize } = adapter.limits;
    large = await adapter.requestDevice({
      requiredLimits: { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX, maxComputeWorkgroupStorageSize },
    });
    const experimental = await createDawn(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
    for (const feature of new Set(shaderNames.flatMap(featuresOf))) {
      const requiredFeatures = ['subgroups', feature] as GPUFeatureName[];
      withFeature.set(feature, await (await experimental!.requestAdapter())!.requestDevice({ requiredFeatures }));
    }
  });

  const compiles = (kernel: Kernel, device = small) =>
    new PipelineCache(device).prepare(kernel, distinctPlans(kernel)[0]!.params, LIMITS[0]!);
  const scan = byName.get('sq8-scan')!;
  const topK = byName.get('top-k')!;

  describe.each([...shaderNames])('%s', (name) => {
    const kernel = byName.get(name)!;
    it.each(distinctPlans(kernel).map((one) => [JSON.stringify(one.plan.constants), one] as const))(
      'compiles with %s',
      async (_, { params, limits }) => {
        const device = limits === LIMITS[0] ? small : large;
        await new PipelineCache(device).prepare(kernel, params, limits);
      },
    );

    for (const feature of featuresOf(name)) {
      const { experiment } = kernel;
      const isFor = ({ plan, limits }: Planned) =>
        limits === LIMITS[0] && (feature !== experiment?.feature || experiment.suits(plan.constants));
      const plans = distinctPlans(kernel).filter(isFor);
      it(`has plans for devices with ${feature}`, () => expect(plans).not.toEqual([]));
      it.each(plans.map(({ plan }) => [feature, JSON.stringify(plan.constants), plan.constants] as const))(
        'compiles for devices with %s, with %s',
        async (_, __, constants) => {
          const device = withFeature.get(feature)!;
          await compile(device, kernel, constants, moduleOf(device, kernel, shaderText(name, feature)));
        },
      );
    }

    it('keeps to the same bindings when it compiles', async () => {
      const names = Object.keys(kernel.bindings);
      const flipped = Object.fromEntries(
        names.map((key) => [key, { ...kernel.bindings[key]!, access: kernel.bindings[key]!.access === 'read' ? 'write' : 'read' }]),
      );
      await expect(compiles({ ...kernel, bindings: flipped } as Kernel)).rejects.toThrow('does not compile');
      await expect(compiles({ ...kernel, bindings: Object.fromEntries(Object.entries(kernel.bindings).slice(1)) })).rejects.toThrow(
        'does not compile',
      );
    });
  });

  it('a misspelt constant is rejected', async () => {
    const misspelt: Kernel = { ...topK, plan: () => ({ constants: { THREDS: 64 }, grid: [1, 1, 1] }) };
    await expect(compiles(misspelt)).rejects.toThrow(/top-k does not compile with \{"THREDS":64\}/);
  });

  it('a constant beyond the limits is rejected', async () => {
    const greedy: Kernel = { ...topK, plan: () => ({ constants: { THREADS: 4096 }, grid: [1, 1, 1] }) };
    await expect(compiles(greedy)).rejects.toThrow('does not compile');
  });

  it('a shader with a syntax error is rejected, with its place', async () => {
    for (const broken of [shaderText('sq8-scan').replace('fn main(', 'fn main[['), shaderText('sq8-scan').replace('d0 += ', 'dd0 += ')]) {
      small.pushErrorScope('validation');
      const module = small.createShaderModule({ code: broken });
      expect(await small.popErrorScope()).not.toBeNull();
      const { messages } = await module.getCompilationInfo();
      expect(messages.some(({ type, lineNum }) => type === 'error' && lineNum > 1)).toBe(true);
      await expect(small.createComputePipelineAsync({ layout: 'auto', compute: { module } })).rejects.toThrow();
    }
    await compiles(scan); // and the device is none the worse
  });
});
