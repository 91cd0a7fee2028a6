/**
 * The suite's page: one HTML file that opens without a network. Charts are vega-lite specifications, compiled when the page is
 * written and drawn by Vega in the page, so that points tell what they are; Vega itself is in the page.
 */
import { readFileSync } from 'node:fs';
import { benchFile } from '../places.ts';
import { factsText } from '../report.ts';
import { vegaScript } from '../vega.ts';
import { Html, html } from './html.ts';
import { type Bar, barLayers, buildBars, memoryBars } from './page-bars.ts';
import { chartElement } from './page-chart.ts';
import { curveHeight, curvePanels } from './page-curves.ts';
import { latencyLayers, timedLanes } from './page-latency.ts';
import { legend } from './page-legend.ts';
import { contendersOf, rowsHeight } from './page-look.ts';
import { pointTable } from './page-table.ts';
import { conditions, findings, machineText } from './page-text.ts';
import type { SetReport, SuiteReport } from './report.ts';

/** A file beside this one, which goes into the page as it is. */
const part = (name: string) => new Html(readFileSync(benchFile(`suite/${name}`), 'utf8'));

export async function suitePage(report: SuiteReport): Promise<string> {
  const contenders = contendersOf(report);
  const sections = await Promise.all(report.sets.map((set, i) => setSection(set, `set-${i + 1}`, contenders)));
  const links = report.sets.map(({ name }, i) => html`<a href="#set-${i + 1}">${name}</a>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Isodex benchmark, ${report.date.slice(0, 10)}</title>
<style>${part('page-style.css')}</style></head>
<body><main>
<header><h1>Isodex benchmark</h1><p class="note">${machineText(report)}</p>
${links.length > 1 ? html`<nav>${links}</nav>` : ''}</header>
${sections}
${conditions(report)}
</main>
<div id="told" hidden></div>
<script>${new Html(vegaScript())}</script>
<script>${part('page-script.js')}</script>
</body></html>
`.text;
}

async function setSection(set: SetReport, id: string, contenders: readonly string[]): Promise<Html> {
  const heading = html`<h2>${factsText(set)}</h2>${findings(set)}`;
  if (set.lanes.length === 0) return html`<section id="${id}">${heading}</section>`;
  return html`<section id="${id}">${heading}
${legend(set.lanes, contenders)}
<h3>Recall and speed</h3>
<p class="note">Batches of ${set.queries} queries. Lines join what nothing else of the same index beats; up and to the right is better.</p>
<div class="panels">${await curves(set, contenders)}</div>
<h3>Latency of single queries, one thread</h3>
${await latencies(set, contenders)}
<h3>Build and memory</h3>
<p class="note">Bytes a vector are what a library says that its index holds; where it says nothing (*), what its process holds in all.</p>
<div class="panels">${await bars(set, contenders)}</div>
<h3>All points</h3>
<p class="note">Click a heading to sort. Latencies are of one point of each index; × after a build is its number of threads.</p>
${pointTable(set)}
</section>`;
}

function curves(set: SetReport, contenders: readonly string[]): Promise<Html[]> {
  const panels = curvePanels(set.lanes, contenders, false);
  return Promise.all(panels.map(({ title, layers }) => chartElement('curve', title, layers, curveHeight)));
}

async function latencies(set: SetReport, contenders: readonly string[]): Promise<Html> {
  if (timedLanes(set.lanes).length === 0) return html`<p class="note">Not measured.</p>`;
  const note =
    'Each row: faint ticks for a sixtieth of the queries each, ● p50, ○ p95, ❙ p99 with its milliseconds, and recall@10; the axis is logarithmic.';
  const layers = latencyLayers(set.lanes, contenders);
  return html`<p class="note">${note}</p>${await chartElement('rows', '', layers, rowsHeight(timedLanes(set.lanes)))}`;
}

function bars({ lanes, rows }: SetReport, contenders: readonly string[]): Promise<Html[]> {
  const of = (title: string, rows: readonly Bar[]) => chartElement('rows', title, barLayers(rows, contenders), rowsHeight(rows));
  return Promise.all([
    of('Build: seconds; ❙ CPU seconds of all threads', buildBars(lanes)),
    of('Memory: bytes a vector; ❙ of its process', memoryBars(lanes, rows)),
  ]);
}
