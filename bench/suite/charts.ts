/** The suite's pictures for documents: recall against queries per second, and latencies of single queries, for each set. */
import { drawn } from '../chart.ts';
import { factsText } from '../report.ts';
import { curveHeight, curvePanels } from './page-curves.ts';
import { latencyLayers, timedLanes } from './page-latency.ts';
import { contendersOf, rowsHeight } from './page-look.ts';
import { machineText } from './page-text.ts';
import type { SetReport, SuiteReport } from './report.ts';

interface Picture {
  readonly name: string;
  readonly svg: string;
}

export async function suiteCharts(report: SuiteReport): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const set of report.sets.filter(({ lanes }) => lanes.length > 0)) {
    pictures.push({ name: `suite-${set.name}`, svg: await curvePicture(report, set) });
    if (timedLanes(set.lanes).length > 0) pictures.push({ name: `suite-latency-${set.name}`, svg: await latencyPicture(report, set) });
  }
  return pictures;
}

function curvePicture(report: SuiteReport, set: SetReport): Promise<string> {
  const { k, repeats } = report.settings;
  const about = [machineText(report), `batches, k ${k}, medians of ${repeats} rounds; each point a setting of the search`];
  const panels = curvePanels(set.lanes, contendersOf(report), true).map(({ title, layers }) => ({
    title: { text: title, anchor: 'start' as const, fontSize: 12, frame: 'group' as const, offset: 6 },
    width: 560,
    height: curveHeight,
    layer: layers,
  }));
  return drawn(factsText(set), about, { hconcat: panels });
}

function latencyPicture(report: SuiteReport, set: SetReport): Promise<string> {
  const { singles, enough } = report.settings;
  const about = [
    machineText(report),
    `single queries on one thread (${singles}), where recall@10 is ${enough} or the most there is; filled p50, hollow p95, bar p99`,
  ];
  const panel = { width: 620, height: rowsHeight(timedLanes(set.lanes)), layer: latencyLayers(set.lanes, contendersOf(report)) };
  return drawn(factsText(set), about, { vconcat: [panel] });
}
