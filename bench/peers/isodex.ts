/** Isodex's built library and one engine of it, for the contenders that measure them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Isodex from '../../src/node.ts';
import type { PeerInfo } from '../peer.ts';

export interface OpenRequest {
  /** Path of the built library's node.js. */
  library: string;
  engine: Isodex.EngineOptions;
  /** Take a GPU that is a software driver. */
  software: boolean;
}

export interface Opened {
  readonly library: typeof Isodex;
  readonly engine: Isodex.Engine;
  readonly info: PeerInfo;
}

/** Opens the engine, or says why it takes no part. */
export async function openIsodex({ library: path, engine: options, software }: OpenRequest): Promise<Opened | { skip: string }> {
  const library: typeof Isodex = await import(pathToFileURL(path).href);
  let engine: Isodex.Engine;
  try {
    engine = await library.openEngine(options);
  } catch (error) {
    if (error instanceof library.IsodexError && error.code === 'unsupported') return { skip: error.message };
    throw error;
  }
  const { description, threads, features, adapter } = engine.info;
  if (adapter?.software && !software) {
    engine.close();
    const name = adapter.description || adapter.device;
    return { skip: `the adapter is a software driver (${name}), which says nothing about speed; --software runs it` };
  }
  return { library, engine, info: { isodex: library.version, description, threads, features, adapter } };
}

/** Of the library's bundles: while it is being written, every build of it may build another index. */
export function codeHash(library: string): string {
  const hash = createHash('sha256').update(readFileSync(library));
  const chunks = join(dirname(library), 'chunks');
  for (const file of readdirSync(chunks).sort()) hash.update(readFileSync(join(chunks, file)));
  return hash.digest('hex').slice(0, 12);
}
