/** How many queries should share a step: learned from what steps cost, a fixed part and a part for each pair. */

/** Queries of a group before anything was measured, and at least. */
const FIRST_GROUP = 256;
const LEAST_GROUP = 32;
/** Pairs of a step should cost so many times what the step itself costs. */
const WORTH = 8;
/** How much a step counts when the next one is done: about the last hundred decide. */
const MEMORY = 0.99;
/** Steps before the sums are believed. */
const ENOUGH = 8;

/** Sums over past steps, for a line ms = fixed + perPair · pairs through them by least squares. Answers never depend on it. */
export class StepPace {
  private steps = 0;
  private queries = 0;
  private pairs = 0;
  private ms = 0;
  private squares = 0;
  private products = 0;

  /** A step that scored `pairs` pairs for `queries` queries took `ms`. */
  note(queries: number, pairs: number, ms: number): void {
    this.steps = this.steps * MEMORY + 1;
    this.queries = this.queries * MEMORY + queries;
    this.pairs = this.pairs * MEMORY + pairs;
    this.ms = this.ms * MEMORY + ms;
    this.squares = this.squares * MEMORY + pairs * pairs;
    this.products = this.products * MEMORY + pairs * ms;
  }

  /** Queries of a group where `share` would give every group that is under way the same, and `most` have room. */
  groupSize(share: number, most: number): number {
    return Math.max(1, Math.min(most, Math.max(LEAST_GROUP, Math.min(share, this.wanted()))));
  }

  /** Where more pairs make no step longer, more are always better. */
  private wanted(): number {
    if (this.steps < ENOUGH) return FIRST_GROUP;
    const spread = this.steps * this.squares - this.pairs * this.pairs;
    const perPair = spread > 0 ? (this.steps * this.products - this.pairs * this.ms) / spread : 0;
    const fixed = (this.ms - perPair * this.pairs) / this.steps;
    if (fixed <= 0) return LEAST_GROUP;
    if (perPair <= 0) return Number.POSITIVE_INFINITY;
    return Math.ceil(((WORTH * fixed) / perPair) * (this.queries / this.pairs));
  }
}
