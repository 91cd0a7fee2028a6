/** What the page says in words: the findings of a set, and under what conditions they were found. */
import { describe } from '../machine.ts';
import { type Html, html } from './html.ts';
import { bytesText, milliseconds, percent, recallText } from './page-look.ts';
import type { Reduction, SetReport, SuiteReport } from './report.ts';

export function findings({ reductions, memoryShare, lanes }: SetReport): Html {
  const all = [...reductions.map(reductionText), ...(memoryShare ? [memoryText(memoryShare)] : [])];
  if (all.length > 0) return html`<ul class="findings">${all}</ul>`;
  return html`<p class="note">${lanes.length === 0 ? 'Nothing was measured.' : 'No HNSW of Isodex was measured beside a full scan.'}</p>`;
}

function reductionText({ against, flatP99, p99, recall, reduction }: Reduction): Html {
  const side = reduction >= 0 ? 'below' : 'above';
  return html`<li><strong>HNSW p99 is ${percent(Math.abs(reduction))} ${side} ${against}’s</strong>
<span>${milliseconds(p99)} ms, where the full scan takes ${milliseconds(flatP99)} ms; recall@10 ${recallText(recall)}</span></li>`;
}

function memoryText({ share, recall }: NonNullable<SetReport['memoryShare']>): Html {
  return html`<li><strong>OPQ+HNSW takes ${percent(share)} of HNSW’s bytes a vector</strong>
<span>at recall@10 ${recallText(recall)}</span></li>`;
}

export function conditions(report: SuiteReport): Html {
  const { machine, date, version, settings, contenders, skipped, sets } = report;
  const { k, repeats, singles, quick, enough } = settings;
  const facts: [string, string][] = [
    ['machine', `${machine.cpu}, ${machine.cores} cores, ${bytesText(machine.memoryBytes)} of memory, ${machine.system}`],
    ['Node', `${machine.node}, V8 ${machine.v8}`],
    ['Isodex', version],
    ['date', date],
    ['neighbours', String(k)],
    ['rounds', `${repeats} of batches after one to warm up${quick ? '; a quick run, of fewer rows or points' : ''}`],
    [
      'single queries',
      `${singles} of each lane, at the cheapest point whose recall@10 is ${enough} or more, else at the one that finds most`,
    ],
    ['load average', `${machine.loadAverage.toFixed(2)} at the start; ${sets.map(loadText).join('; ')}`],
  ];
  return html`<section class="conditions"><h2>How this was measured</h2>
<p class="note">Figures depend on the machine; ratios within one run are what to compare. Contenders run in processes of their own and take turns round by
round. What a process holds is what is resident after loading and searching, less what it had before.</p>
<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<details><summary>Versions of who took part</summary><dl>${contenders.map(
    ({ label, info }) => html`<dt>${label}</dt><dd>${infoText(info)}</dd>`,
  )}</dl></details>
${skipped.length === 0 ? '' : html`<details open><summary>Skipped</summary><dl>${skipped.map(({ what, reason }) => html`<dt>${what}</dt><dd>${reason}</dd>`)}</dl></details>`}
</section>`;
}

function loadText({ name, loadAverages }: SetReport): string {
  return `${name}, by round: ${loadAverages.map((load) => load.toFixed(2)).join(', ')}`;
}

function infoText(info: SuiteReport['contenders'][number]['info']): string {
  return Object.entries(info)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join('; ');
}

export const machineText = ({ machine, date }: SuiteReport) => `${describe(machine)}, ${date.slice(0, 10)}`;
