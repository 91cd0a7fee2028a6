import { sha256 } from '@noble/hashes/sha2.js';
import { isNode, nodeModule } from './node-module.ts';

/** SHA-256 over pieces: Node's own where there is one (several times faster), a plain JavaScript one elsewhere. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** 32 bytes; the hasher is used up. */
  digest(): Uint8Array;
}

export function createHasher(): Hasher {
  if (!isNode()) return sha256.create();
  const hash = nodeModule('node:crypto').createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
