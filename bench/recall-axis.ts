/** Recall along an axis of pictures: towards 1 each tenth of what is missed is as wide as the one before. */

/** Left of this nobody wants to be. */
export const LEAST_RECALL = 0.8;
/** 1 lies infinitely far on this axis. */
export const MOST_RECALL = 0.9995;
const TICKS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

export const position = (recall: number) => -Math.log10(1 - Math.min(recall, MOST_RECALL));

/** Of a field `at`, which is a `position`. */
export const recallAxis = {
  field: 'at',
  type: 'quantitative' as const,
  scale: { domain: [position(LEAST_RECALL), position(MOST_RECALL)], nice: false },
  axis: {
    title: 'recall (true neighbours found)',
    values: TICKS.map(position),
    labelExpr: "format(1 - pow(10, -datum.value), '.4~f')",
    grid: true,
    gridColor: '#e2e8f0',
  },
};
