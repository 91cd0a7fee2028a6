import { IsodexError } from './errors.ts';

interface NodeModules {
  'node:fs': typeof import('node:fs');
  'node:fs/promises': typeof import('node:fs/promises');
  'node:os': typeof import('node:os');
  'node:path': typeof import('node:path');
  'node:crypto': typeof import('node:crypto');
  'node:worker_threads': typeof import('node:worker_threads');
}

/** Whether this is Node (or what calls itself so), where built-in modules are at hand. */
export function isNode(): boolean {
  return typeof process === 'object' && typeof process.versions?.node === 'string' && typeof process.getBuiltinModule === 'function';
}

/**
 * A module of Node, without an import that a bundler for browsers would trip over. Throws 'unsupported' where there is no
 * Node.
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  if (!isNode()) throw new IsodexError('unsupported', `this needs Node (${name}); in a browser use toBytes() and fromBytes()`);
  return process.getBuiltinModule(name) as NodeModules[Name];
}
