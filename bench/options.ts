/** Options on the command line that all comparisons with other libraries have. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { threadCounts } from './contenders.ts';
import { DEBIAN_FOLDER } from './data-sets.ts';
import { CACHE, CACHE_TEXT, LIBRARY } from './places.ts';

export const list = (text: string) => text.split(',').filter((part) => part !== '');
export const say = (line: string) => void process.stderr.write(`${line}\n`);

export function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('give an integer ≥ 1');
  return n;
}

/** 'a,b' of integers → numbers in increasing order. */
export function counts(text: string): number[] {
  return [...new Set(list(text).map(count))].sort((a, b) => a - b);
}

/** Gives a command the options by which contenders are found and measured. */
export function comparing(command: Command, defaults: { repeats?: number; singles?: number }): Command {
  return command
    .option('--limit <rows>', 'rows of each set, at most', count)
    .option('--repeats <n>', 'rounds after one to warm up', count, defaults.repeats)
    .option('--singles <n>', 'queries asked one by one', count, defaults.singles)
    .option('--threads <counts>', 'CPU threads, numbers or all', '1,all')
    .option('--software', 'run a GPU that is a software driver too')
    .option('--python <path>', 'a Python with faiss-cpu and numpy (default: a virtual environment in the cache)')
    .option('--generic', 'accept a FAISS built without vector instructions')
    .addOption(new Option('--library <path>', 'the built library').default(LIBRARY, 'dist/node.js'))
    .addOption(new Option('--cache <folder>', 'where peers and indexes are kept').default(CACHE, CACHE_TEXT))
    .option('--out <folder>', 'where results go', join('out', 'bench'));
}

/** What `comparing` parsed, as benches take it; `folder` is that of data sets. */
export function compared(options: ReturnType<Command['opts']>, folder: string | undefined) {
  return {
    library: builtLibrary(options.library),
    limit: options.limit as number | undefined,
    repeats: options.repeats as number,
    singles: options.singles as number,
    threads: threadCounts(options.threads),
    folders: [...(folder ? [folder] : []), DEBIAN_FOLDER],
    software: options.software === true,
    python: options.python as string | undefined,
    generic: options.generic === true,
    cache: resolve(options.cache),
    say,
  };
}

/** The path of a built library. */
export function builtLibrary(path: string): string {
  const library = resolve(path);
  if (!existsSync(library)) throw new Error('the library is not built: run `npm run build` first');
  return library;
}
