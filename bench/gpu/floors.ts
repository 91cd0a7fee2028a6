/** What figures mean beside what the device can do: shares of its rates, and from which batch on it is faster. */
import type { BatchReport, DeviceRates, Rate, RateName, SearchReport, Settings } from './report.ts';

function rateOf(rates: DeviceRates | null, name: RateName): number | undefined {
  const rate: Rate | undefined = rates?.measured[name];
  return rate && 'perSecond' in rate ? rate.perSecond : undefined;
}

/** Where the GPU becomes faster than the CPU: a batch between two measured ones, or the smallest measured. */
export type Crossover = { readonly batch: number; readonly measured: 'between' | 'smallest' } | 'never' | 'nothing measured';

/**
 * The smallest measured batch at which the GPU is faster, brought nearer to the one before: where the line between their ratios crosses 1,
 * on logarithmic scales of both, for times and ratios change by factors.
 */
export function crossover(batches: readonly Pick<BatchReport, 'batch' | 'gpu' | 'cpu'>[]): Crossover {
  if (batches.length === 0) return 'nothing measured';
  const gains = batches.map(({ gpu, cpu }) => Math.log(cpu.p50Ms / gpu.p50Ms));
  const first = gains.findIndex((gain) => gain > 0);
  if (first < 0) return 'never';
  const { batch } = batches[first]!;
  if (first === 0) return { batch, measured: 'smallest' };
  const [before, lost, won] = [batches[first - 1]!.batch, -gains[first - 1]!, gains[first]!];
  return { batch: before * (batch / before) ** (lost / (lost + won)), measured: 'between' };
}

/** What a batch took beside what it would take at a rate of the device. */
export interface Floor {
  readonly seconds: number;
  /** Of the wall's time, and of the device's where it is told. */
  readonly ofWall: number;
  readonly ofDevice: number | null;
}

function floorOf(work: number, rate: number | undefined, { gpu, device }: BatchReport): Floor | null {
  if (rate === undefined) return null;
  const seconds = work / rate;
  return { seconds, ofWall: seconds / (gpu.p50Ms / 1000), ofDevice: device && device.seconds > 0 ? seconds / device.seconds : null };
}

/** Of a batch by Flat, as if every row was compared in full: what its filter rules out on fewer values counts as done. */
export function flatFloor(batch: BatchReport, { rows, dim }: Settings, rates: DeviceRates | null, name: RateName): Floor | null {
  return floorOf(batch.batch * rows * dim, rateOf(rates, name), batch);
}

/** Of a batch of walks, by the bytes that they must read at random places. */
export function walkFloor(batch: BatchReport, { effort }: SearchReport, rates: DeviceRates | null): Floor | null {
  if (!effort) return null;
  return floorOf(batch.batch * effort.bytes, rateOf(rates, 'rows192'), batch);
}

/** The floor that a search of this kind has. */
export function floorOfSearch(search: SearchReport, batch: BatchReport, settings: Settings, rates: DeviceRates | null): Floor | null {
  return search.effort ? walkFloor(batch, search, rates) : flatFloor(batch, settings, rates, search.unit ?? 'dot4Product');
}
