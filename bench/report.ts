/** What reports of all comparisons have, and how they begin on a terminal. */
import type { DataSet } from './data-sets.ts';
import { describe, type Machine } from './machine.ts';
import type { PeerInfo } from './peer.ts';
import type { Skipped } from './session.ts';

export interface ComparisonReport {
  readonly date: string;
  readonly machine: Machine;
  readonly contenders: readonly { readonly id: string; readonly label: string; readonly info: PeerInfo }[];
  readonly skipped: readonly Skipped[];
}

export interface SetFacts {
  readonly name: string;
  readonly metric: string;
  readonly rows: number;
  readonly dim: number;
  readonly queries: number;
}

export function factsOf({ name, metric, base, queries, dim }: DataSet): SetFacts {
  return { name, metric, rows: base.length / dim, dim, queries: queries.length / dim };
}

export function headingText({ machine, date, contenders, skipped }: ComparisonReport): string[] {
  return [
    `${describe(machine)}, ${date}`,
    ...contenders.map(({ label, info }) => {
      const details = Object.values(info).filter((value) => typeof value !== 'object');
      return `  ${label}: ${details.join(', ')}`;
    }),
    ...skipped.map(({ what, reason }) => `  skipped ${what}: ${reason}`),
  ];
}

/** '60,000 × 784, l2, 1000 queries' */
export function factsText({ name, rows, dim, metric, queries }: SetFacts): string {
  return `${name}: ${rows.toLocaleString('en')} × ${dim}, ${metric}, ${queries} queries`;
}
