/** The walls of design part 2, as functions from files to complaints; no complaints, no breach. */
import { builtinModules } from 'node:module';
import type { Import, SourceFile } from './source.ts';

/** Bottom to top. A file imports its own layer and those below. */
const LAYERS = [
  ['util'],
  ['kernels'],
  ['host'],
  ['index'],
  ['tune'],
  ['names.ts', 'platform.ts', 'main.ts', 'node.ts'],
  ['cli', 'server', 'demo'],
];

/** Readers and writers of files stand beside the layers: who may import them, and what they may import. */
const IO_USERS = ['io', 'node.ts', 'tune', 'cli'];

/** The modules that are engines. Only open.ts may know them all. */
const ENGINES = ['src/host/cpu/cpu-engine.ts', 'src/host/gpu/gpu-engine.ts', 'src/host/reference-engine.ts', 'src/host/auto-engine.ts'];

/** Files that only Node loads. */
const NODE_ONLY = /^src\/(io\/|cli\/|server\/|node\.ts$|(index|tune)\/(.*\/)?node-[^/]*\.ts$)/;

/** The one door to Node for files that browsers load too, and the worker, which imports nothing. */
const DOORS_TO_NODE = ['src/util/node-module.ts', 'src/host/cpu/worker.ts'];

/** Files that go through the door and name Node's types: gone at run time. */
const NODE_TYPES = ['src/util/node-module.ts', 'src/util/replace-file.ts'];

/** Packages of plain JavaScript that browsers load as well. Adding one is a decision. */
const PLAIN_PACKAGES = ['@noble/hashes', 'hdr-histogram-js', 'valibot'];

/** The part of the house a file belongs to: its folder in src/, or itself when it lies in src/ directly. */
function partOf(path: string): string {
  return path.startsWith('demo/') ? 'demo' : (path.split('/')[1] ?? path);
}

function layerOf(path: string): number {
  return LAYERS.findIndex((parts) => parts.includes(partOf(path)));
}

const isOurs = (to: string) => to.startsWith('src/') || to.startsWith('demo/');
const isNode = (to: string) => to.startsWith('node:') || builtinModules.includes(to);
const isPackage = (to: string) => !isOurs(to) && !isNode(to) && /^[@a-z]/.test(to) && !to.startsWith('assembly:') && !to.startsWith('../');

function complaints(files: readonly SourceFile[], judge: (file: SourceFile, one: Import) => string | undefined): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap((one) => {
      const reason = judge(file, one);
      return reason ? [`${file.path} imports ${one.to}: ${reason}`] : [];
    }),
  );
}

export function wrongDirections(files: readonly SourceFile[]): string[] {
  const homeless = files.filter(({ path }) => layerOf(path) < 0 && partOf(path) !== 'io' && !path.endsWith('.d.ts'));
  return [
    ...homeless.map(({ path }) => `${path} belongs to no layer`),
    ...complaints(files, ({ path }, one) => (isOurs(one.to) ? wrongStep(path, one) : strayed(one.to))),
  ];
}

/** A path that leads out of the house: tests, the build, another repository. */
function strayed(to: string): string | undefined {
  return to.startsWith('..') || /^[a-z]+\/.*\.ts$/.test(to) ? 'outside src/' : undefined;
}

function wrongStep(path: string, { to, type }: Import): string | undefined {
  const [from, target] = [partOf(path), partOf(to)];
  if (target === 'io') return IO_USERS.includes(from) ? undefined : `only ${IO_USERS.join(', ')} may`;
  if (from === 'io')
    return target === 'util' || (target === 'index' && type) ? undefined : 'src/io knows src/util, and types of src/index, only';
  return layerOf(to) <= layerOf(path) ? undefined : 'that layer lies above';
}

/** One complaint for each circle that a depth-first walk closes, type imports included. */
export function circles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const trail: string[] = [];
  const found: string[] = [];
  const visit = (path: string) => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    trail.push(path);
    for (const { to } of byPath.get(path)?.imports ?? []) if (byPath.has(to)) visit(to);
    trail.pop();
    done.add(path);
  };
  for (const { path } of files) visit(path);
  return found;
}

export function engineLeaks(files: readonly SourceFile[]): string[] {
  return complaints(files, ({ path }, one) => {
    const inner = /^src\/host\/(cpu|gpu)\//;
    if (path.startsWith('src/index/') && inner.test(one.to)) return 'indexes know engines by their interface only';
    if (!ENGINES.includes(one.to) || path === 'src/host/open.ts') return undefined;
    if (inner.exec(path)?.[1] === inner.exec(one.to)?.[1] && inner.test(path)) return undefined; // of the same folder
    const mayNameIt = path === 'src/host/auto-engine.ts' || path.startsWith('src/host/gpu/');
    if (mayNameIt && one.type) return undefined;
    return 'only src/host/open.ts knows all engines';
  });
}

/** Node's own modules, and packages, outside the files that only Node loads. */
export function platformLeaks(files: readonly SourceFile[]): string[] {
  const calls = files
    .filter(({ path, text }) => text.includes('getBuiltinModule') && !DOORS_TO_NODE.includes(path) && !NODE_ONLY.test(path))
    .map(({ path }) => `${path} uses process.getBuiltinModule, and not the door of src/util/node-module.ts`);
  const mentions = files
    .filter(({ path, text }) => path.startsWith('src/kernels/') && /\bnavigator\b|['"`]node:/.test(text))
    .map(({ path }) => `${path} mentions a platform; kernels know none`);
  const imports = complaints(files, ({ path }, one) => {
    if (NODE_ONLY.test(path)) return undefined;
    if (isNode(one.to) && one.type && NODE_TYPES.includes(path)) return undefined;
    if (isNode(one.to)) return 'only src/io, src/node.ts, src/cli, src/server and node-*.ts in src/index and src/tune may';
    const isDawn = path === 'src/host/gpu/dawn.ts' && one.to === 'webgpu' && one.dynamic;
    const isPlain = PLAIN_PACKAGES.some((name) => one.to === name || one.to.startsWith(`${name}/`));
    return isPackage(one.to) && !isDawn && !isPlain ? 'not a package for browsers' : undefined;
  });
  return [...calls, ...mentions, ...imports];
}

/** Every file that loading `entry` can load, type imports left out. */
export function reachedFrom(entry: string, files: readonly SourceFile[]): SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<SourceFile>();
  const visit = (path: string) => {
    const file = byPath.get(path);
    if (!file || reached.has(file)) return;
    reached.add(file);
    for (const one of file.imports) if (!one.type) visit(one.to);
  };
  visit(entry);
  return [...reached];
}
