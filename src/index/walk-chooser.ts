/**
 * Where an `auto` engine walks over a graph: on the host, or on the device. Reckoned from what the engines cost on a made-up graph
 * (host/walk-costs.ts), and from how much more or less walks over this one took so far: its memory is larger, its rows are others. The
 * choice never shows in an answer.
 */
import type { WalkChoice } from '../host/engine.ts';
import { walkMs } from '../host/walk-costs.ts';

/** Walks that are about to be done. */
export interface WalkLoad {
  readonly queries: number;
  /** Multiply-adds of one. */
  readonly terms: number;
  /** In how many calls, one after the other. Default 1. */
  readonly calls?: number;
  /** Times that a device which walks in lock-step is waited for, in a call; 0 where it walks by itself. */
  readonly rounds: number;
  /** Bytes that the device has to be sent first. */
  readonly uploadBytes: number;
}

export type Place = 'host' | 'device';

/** How much what was learned counts beside the last walk. */
const MEMORY = 0.7;
/** What was learned of a place fades with each call that goes elsewhere: one that looked too dear once is tried again some day. */
const FADING = 0.998;
/** No walk says more than so many times more, or less, than was reckoned: a busy machine would. */
const MOST_FACTOR = 100;

export class WalkChooser {
  /** Milliseconds taken for each that was reckoned; undefined until a walk was timed. */
  private readonly factors: Partial<Record<Place, number>> = {};
  /** Milliseconds that calls lost on the host, for want of the graph on the device. */
  private lost = 0;
  /** The first walk of each place compiles, and warms up. */
  private readonly begun = new Set<Place>();

  /**
   * The cheaper place. A graph that the device has not is sent there when calls have lost as much time on the host as sending it would
   * take, this one included: so at worst twice the best is paid, however few or many are to come.
   */
  choose(choice: WalkChoice, load: WalkLoad): Place {
    const place = this.cheaper(choice, load);
    const other = place === 'host' ? 'device' : 'host';
    const known = this.factors[other];
    if (known !== undefined) this.factors[other] = 1 + (known - 1) * FADING;
    return place;
  }

  private cheaper(choice: WalkChoice, load: WalkLoad): Place {
    const gain = this.reckon('host', choice, load) - this.reckon('device', choice, load);
    if (gain <= 0) return 'host';
    const sending = load.uploadBytes / choice.costs.device.uploadPerMs;
    if (sending > 0 && this.lost + gain < sending) {
      this.lost += gain;
      return 'host';
    }
    this.lost = 0;
    return 'device';
  }

  /** Milliseconds that walks should take. */
  reckon(place: Place, choice: WalkChoice, load: WalkLoad): number {
    return unlearned(place, choice, load) * (this.factors[place] ?? 1);
  }

  /** Walks took `ms`, with the graph in place. */
  note(place: Place, choice: WalkChoice, load: WalkLoad, ms: number): void {
    if (!this.begun.has(place)) {
      this.begun.add(place);
      return;
    }
    const ratio = Math.min(MOST_FACTOR, Math.max(1 / MOST_FACTOR, ms / unlearned(place, choice, load)));
    const known = this.factors[place];
    this.factors[place] = known === undefined ? ratio : known * MEMORY + ratio * (1 - MEMORY);
  }
}

function unlearned(place: Place, { costs }: WalkChoice, { queries, terms, calls = 1, rounds }: WalkLoad): number {
  const each = queries / calls;
  if (place === 'host' || rounds === 0) return calls * walkMs(costs[place], each, terms);
  const { waitMs, termsPerMs } = costs.device;
  return calls * (rounds * waitMs + (each * terms) / termsPerMs);
}
