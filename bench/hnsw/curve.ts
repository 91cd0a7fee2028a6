/** Queries per second against recall: contenders are compared where they find as much, wherever their ef puts that. */

export interface Point {
  readonly recall: number;
  readonly queriesPerSecond: number;
}

export interface Speed {
  readonly queriesPerSecond: number;
  /** The contender's lowest recall lies above the wanted one: this is what it does there, and it has nothing faster. */
  readonly atLeast: boolean;
}

/** The points that no other beats in both, by increasing recall. */
export function envelope<P extends Point>(points: readonly P[]): P[] {
  const best: P[] = [];
  for (const point of [...points].sort((a, b) => b.recall - a.recall || b.queriesPerSecond - a.queriesPerSecond)) {
    if (point.queriesPerSecond > (best.at(-1)?.queriesPerSecond ?? 0)) best.push(point);
  }
  return best.reverse();
}

/** The speed at a recall, the logarithm interpolated between neighbours of the envelope; undefined where none reaches it. */
export function speedAt(points: readonly Point[], recall: number): Speed | undefined {
  const curve = envelope(points);
  const at = curve.findIndex((point) => point.recall >= recall);
  if (at < 0) return undefined;
  const [low, high] = [curve[at - 1], curve[at]!];
  if (!low) return { queriesPerSecond: high.queriesPerSecond, atLeast: high.recall > recall };
  const share = (recall - low.recall) / (high.recall - low.recall);
  return { queriesPerSecond: low.queriesPerSecond ** (1 - share) * high.queriesPerSecond ** share, atLeast: false };
}
