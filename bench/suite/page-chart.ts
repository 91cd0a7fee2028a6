/** A chart of the page: as wide as its place, without what the legend has hidden. */
import type { TopLevelSpec } from 'vega-lite';
import { compiled } from '../vega.ts';
import { type Html, html, jsonElement } from './html.ts';
import { FONT, INK, SOFT } from './page-look.ts';

type LayerSpec = Extract<TopLevelSpec, { layer: unknown }>;
export type Layers = LayerSpec['layer'];

/** The legend sets the signal `hidden`; names as in page-legend.ts. */
const SHOWN = "indexof(hidden, 'contender ' + datum.contender) < 0 && indexof(hidden, 'kind ' + datum.kind) < 0";

/** `kind`: rows, whose names need room, or a curve. */
export async function chartElement(kind: 'rows' | 'curve', title: string, layers: Layers, height: number): Promise<Html> {
  const spec = await compiled({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 'container',
    height,
    autosize: { type: 'fit-x', contains: 'padding' },
    padding: { left: 0, right: 4, top: 6, bottom: 0 },
    params: [{ name: 'hidden', value: [] }],
    layer: layers.map((layer) => ({ ...layer, transform: [{ filter: SHOWN }] })),
    config: {
      font: FONT,
      view: { stroke: null },
      axis: { labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: 'normal', labelColor: INK, titleColor: SOFT, grid: false },
    },
  });
  return html`<figure>${title === '' ? '' : html`<figcaption>${title}</figcaption>`}<div class="chart ${kind}"></div>${jsonElement(spec)}</figure>`;
}
