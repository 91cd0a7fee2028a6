/** What a device does apart from any index: the floors that searches are held against. */
import { BareDevice, bareAdapter } from './device.ts';
import { heldMatrices, readingOf, readMatrices, unitOf } from './matrix-programs.ts';
import { dot4Registers, gathered, streamed, tiledProduct } from './programs.ts';
import type { DeviceRates, Rate, RateName } from './report.ts';

/** How large the measured work is. */
interface Sizes {
  readonly groups: number;
  readonly steps: number;
  /** Of the buffer that is read; larger than any cache, where a device is to be told apart from its caches. */
  readonly bytes: number;
  /** Tiles of 128 rows, along either side. */
  readonly tiles: readonly [rows: number, columns: number];
  readonly matrixTiles: number;
  readonly depth: number;
  /** Milliseconds of a measured pass. */
  readonly targetMs: number;
}
const WHOLE: Sizes = { groups: 4096, steps: 512, bytes: 2 ** 30, tiles: [32, 512], matrixTiles: 64, depth: 4096, targetMs: 40 };
/** A driver in software takes as long for a thousandth. */
const SMALL: Sizes = { groups: 4, steps: 2, bytes: 2 ** 20, tiles: [1, 1], matrixTiles: 1, depth: 256, targetMs: 1 };

export async function deviceRates(dim: number, software: boolean, say: (line: string) => void): Promise<DeviceRates | null> {
  const adapter = await bareAdapter();
  if (!adapter) return null;
  const sizes = software ? SMALL : WHOLE;
  const device = await BareDevice.open(adapter, sizes.targetMs);
  try {
    const measured: Partial<Record<RateName, Rate>> = {};
    for (const [name, measure] of Object.entries(measurements(device, dim, sizes))) {
      say(`rates: ${name}`);
      measured[name as RateName] = await measure().then(
        (perSecond) => ({ perSecond }),
        (error: Error) => ({ missing: error.message.split('\n')[0]! }),
      );
    }
    return { readMs: await device.readMs(), timedBy: device.timedBy, measured: measured as Record<RateName, Rate> };
  } finally {
    device.close();
  }
}

function measurements(device: BareDevice, dim: number, sizes: Sizes): Record<RateName, () => Promise<number>> {
  const { groups, steps, tiles, matrixTiles, depth } = sizes;
  const bytes = device.bindable(sizes.bytes);
  const product = (values: 'i8' | 'f32') => async () => {
    const shapes = [8, 4] as const; // sums of each thread; which is faster, registers decide
    const rates: number[] = [];
    for (const perThread of shapes) {
      const panels = tiles.map((count) => (count * 8) / perThread) as [number, number];
      rates.push(await device.rate(tiledProduct({ values, perThread, dim, tiles: panels })));
    }
    return Math.max(...rates);
  };
  const matrices = (kind: 'held' | 'read') => async () => {
    const { shape, threads } = unitOf(device);
    const reading = await readingOf(device, shape, threads);
    const program =
      kind === 'held' ? heldMatrices(shape, reading, threads, groups) : readMatrices(shape, reading, threads, matrixTiles, depth);
    return device.rate(program);
  };
  return {
    dot4Registers: () => device.rate(dot4Registers(groups, steps)),
    dot4Product: product('i8'),
    f32Product: product('f32'),
    inOrder: () => device.rate(streamed(bytes, groups / 2)),
    rows192: () => device.rate(gathered(bytes, 192, groups, steps / 2)),
    rows256: () => device.rate(gathered(bytes, 256, groups, steps / 2)),
    heldMatrices: matrices('held'),
    readMatrices: matrices('read'),
  };
}
