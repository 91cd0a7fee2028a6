/**
 * Where things are. The bench runs as TypeScript from a checkout (bench/), and built (dist/bench/), since Node takes no TypeScript
 * inside node_modules. What is found by its path lies in dist/bench/ as it does in bench/ (build/bench.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../src/host/node-cost-cache.ts';

/** Built, rather than TypeScript. */
export const BUILT = import.meta.filename.endsWith('.js');

const ABOVE = join(import.meta.dirname, '..');

/** The folder of package.json; built, this file lies in bench/ or chunks/ of the built package, as the bundler sees fit. */
export const ROOT = BUILT ? join(ABOVE, '..') : ABOVE;

const HERE = join(ABOVE, 'bench');

const CHECKOUT = existsSync(join(ROOT, 'bench', 'run.ts'));

/** The built library that is measured when no other is named. */
export const LIBRARY = join(BUILT ? ABOVE : join(ROOT, 'dist'), 'node.js');

/** Where peers and indexes are kept. A package's own folder goes with the next install: the user's cache stays. */
export const CACHE = CHECKOUT ? join(ROOT, '.cache') : cacheFolder();
export const CACHE_TEXT = CHECKOUT ? '.cache' : "isodex in the user's cache folder";

/** A peer by its source's name: 'isodex-flat.ts'. */
export function peerProgram(name: string): string {
  return join(HERE, 'peers', BUILT ? name.replace(/\.ts$/, '.js') : name);
}

/** A file that the bench reads as it is, by its path in bench/. */
export const benchFile = (path: string) => join(HERE, path);
