/** What a run of the suite leaves: its data, the page, and pictures for documents. */
import { drawings, type Files, pictures } from '../results.ts';
import { suiteCharts } from './charts.ts';
import { suitePage } from './page.ts';
import type { SuiteReport } from './report.ts';

export async function suiteFiles(report: SuiteReport): Promise<Files> {
  const page = await drawings(async () => ({ 'suite.html': await suitePage(report) }));
  return { 'suite.json': report, ...page, ...(await pictures(() => suiteCharts(report))) };
}
