/** Pictures as SVG, drawn by Vega without a browser. */
import type { TopLevelSpec } from 'vega-lite';
import type { FlatReport, SetReport } from './flat.ts';
import type { KernelReport } from './kernel-cases.ts';
import { describe } from './machine.ts';
import { factsText } from './report.ts';
import { three } from './table.ts';
import { svgOf } from './vega.ts';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Written behind the bar. */
  readonly text: string;
  readonly ours: boolean;
}

interface Panel {
  readonly title: string;
  readonly axis: string;
  /** A line to compare with. */
  readonly mark?: number;
  readonly bars: readonly Bar[];
}

const FONT = 'system-ui, Helvetica, Arial, sans-serif';

/** What a page is made of: vega-lite's own notion of charts side by side or one above the other. */
type Content = Pick<VConcatSpec, 'vconcat'> | Pick<HConcatSpec, 'hconcat'>;

type VConcatSpec = Extract<TopLevelSpec, { vconcat: unknown }>;
type HConcatSpec = Extract<TopLevelSpec, { hconcat: unknown }>;

/** A page with a title, as SVG. Without a browser text is taken for wider than it is: long subtitles want several lines. */
export function drawn(title: string, subtitle: string | string[], content: Content): Promise<string> {
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, subtitle, anchor: 'start', fontSize: 15, subtitleFontSize: 11, subtitlePadding: 4, offset: 12 },
    background: 'white',
    padding: 16,
    spacing: 24,
    config: {
      font: FONT,
      view: { stroke: null },
      axis: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', labelLimit: 320, grid: false },
    },
    ...content,
  };
  return svgOf(spec);
}

function barsAsSvg(title: string, subtitle: string, panels: readonly Panel[]): Promise<string> {
  return drawn(title, subtitle, { vconcat: panels.map(panelSpec) });
}

function panelSpec({ title, axis, mark, bars }: Panel) {
  const order = bars.map(({ label }) => label);
  const most = Math.max(...bars.map(({ high }) => high), mark ?? 0);
  // room for the text behind the longest bar
  const x = { type: 'quantitative' as const, axis: { title: axis, tickCount: 6 }, scale: { domain: [0, most * 1.35], nice: false } };
  const y = { field: 'label', type: 'nominal' as const, sort: order, axis: { title: null, ticks: false, domain: false, labelLimit: 400 } };
  return {
    title: { text: title, anchor: 'start' as const, fontSize: 12, frame: 'group' as const, offset: 6 },
    width: 560,
    height: { step: 24 },
    data: { values: bars.map((bar) => ({ ...bar, who: bar.ours ? 'ours' : 'theirs' })) },
    layer: [
      {
        mark: { type: 'bar' as const, height: { band: 0.72 } },
        encoding: {
          y,
          x: { ...x, field: 'value' },
          color: {
            field: 'who',
            type: 'nominal' as const,
            legend: null,
            scale: { domain: ['ours', 'theirs'], range: ['#2b6cb0', '#a0aec0'] },
          },
        },
      },
      { mark: { type: 'rule' as const, color: '#1a202c' }, encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } } },
      {
        mark: { type: 'text' as const, align: 'left' as const, dx: 6, fontSize: 11, color: '#1a202c' },
        encoding: { y, x: { ...x, field: 'high' }, text: { field: 'text', type: 'nominal' as const } },
      },
      ...(mark === undefined
        ? []
        : [
            {
              data: { values: [{ mark }] },
              mark: { type: 'rule' as const, strokeDash: [4, 3], color: '#4a5568' },
              encoding: { x: { ...x, field: 'mark' } },
            },
          ]),
    ],
  };
}

export function flatChart(report: FlatReport): Promise<string> {
  const { machine, settings, sets } = report;
  const subtitle = `${describe(machine)}, ${report.date.slice(0, 10)}; k ${settings.k}, batches; bars are medians, lines least to most of ${settings.repeats} rounds`;
  return barsAsSvg('Isodex Flat: exact search', subtitle, sets.map(setPanel));
}

function setPanel(set: SetReport): Panel {
  const compared = set.results.every(({ ratio }) => ratio !== undefined);
  return {
    title: factsText(set),
    axis: compared ? 'times as fast as FAISS on one thread' : 'queries per second',
    ...(compared ? { mark: 1 } : {}),
    bars: set.results.map(({ label, family, ratio, batch, queriesPerSecond }) => {
      const qps = `${Math.round(queriesPerSecond).toLocaleString('en')} queries/s`;
      const ours = family === 'isodex';
      if (compared && ratio)
        return { label, ours, value: ratio.median, low: ratio.min, high: ratio.max, text: `${three(ratio.median)} ×, ${qps}` };
      return { label, ours, value: queriesPerSecond, low: set.queries / batch.max, high: set.queries / batch.min, text: qps };
    }),
  };
}

export function kernelChart({ machine, date, kernels }: KernelReport): Promise<string> {
  const names = [...new Set(kernels.map(({ kernel }) => kernel))];
  const panels = names.map((name): Panel => {
    const bars = kernels.filter(({ kernel, engine }) => kernel === name && engine !== 'reference');
    return {
      title: name,
      axis: 'billions of terms a second',
      bars: bars.map(({ engine, termsPerSecond: { median, min, max } }) => ({
        label: engine,
        ours: true,
        value: median / 1e9,
        low: min / 1e9,
        high: max / 1e9,
        text: three(median / 1e9),
      })),
    };
  });
  return barsAsSvg('Isodex kernels', `${describe(machine)}, ${date.slice(0, 10)}; medians, least to most`, panels);
}
