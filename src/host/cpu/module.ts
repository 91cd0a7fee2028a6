import { isNode } from '../../util/node-module.ts';

/** The compiled AssemblyScript module, in the flavour that this runtime can use. */

export interface WasmFlavour {
  readonly module: WebAssembly.Module;
  /** The relaxed dot product is used: exact here, since queries of scans hold seven bits. */
  readonly relaxed: boolean;
}

/** Compiles the module for shared or plain memory, with relaxed SIMD where the runtime validates it. */
export async function loadModule(shared: boolean, allowRelaxed = true): Promise<WasmFlavour> {
  if (allowRelaxed) {
    const bytes = decodeBase64((shared ? await import('assembly:shared-relaxed') : await import('assembly:plain-relaxed')).default);
    if (WebAssembly.validate(bytes)) return { module: await WebAssembly.compile(bytes), relaxed: true };
  }
  const bytes = decodeBase64((shared ? await import('assembly:shared') : await import('assembly:plain')).default);
  return { module: await WebAssembly.compile(bytes), relaxed: false };
}

/** Shared memory needs SharedArrayBuffer, which browsers only give to cross-origin-isolated pages. */
export function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return isolated !== false || isNode();
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
