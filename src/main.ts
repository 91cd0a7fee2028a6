/** `isodex`: the public names for every platform. */
import { functionsFor } from './platform.ts';

export * from './names.ts';

/** WebGPU as the page, worker or runtime offers it. */
export const { openEngine, createIndex, fromBytes } = functionsFor({
  gpu: async () => globalThis.navigator?.gpu,
});
