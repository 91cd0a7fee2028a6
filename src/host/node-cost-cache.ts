import { nodeModule } from '../util/node-module.ts';
import type { CostCache } from './cost-model.ts';

/** Isodex's part of the user's cache folder. */
export function cacheFolder(): string {
  const { homedir } = nodeModule('node:os');
  const { join } = nodeModule('node:path');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'isodex');
}

/** Measured costs in a file of the user's cache folder. Losing it only costs a measurement. */
export function fileCostCache(): CostCache {
  const { readFile, writeFile, mkdir } = nodeModule('node:fs/promises');
  const { join } = nodeModule('node:path');
  const folder = cacheFolder();
  const file = join(folder, 'engine-costs.json');
  const all = async (): Promise<Record<string, Record<string, number>>> => {
    try {
      return JSON.parse(await readFile(file, 'utf8'));
    } catch {
      return {};
    }
  };
  return {
    async load(key) {
      const found = (await all())[key];
      return found && Object.values(found).every((x) => typeof x === 'number' && x > 0) ? found : undefined;
    },
    async save(key, costs) {
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(file, JSON.stringify({ ...(await all()), [key]: costs }, undefined, 2));
      } catch {
        // a read-only home: measure again next time
      }
    },
  };
}
