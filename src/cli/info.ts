import { type GraphInfo, readInfo, type TunedChoice } from '../node.ts';
import { formatBytes, formatFacts } from './table.ts';

const BYTES: Readonly<Record<string, number>> = { f64: 8, f32: 4, i32: 4, u32: 4, i8: 1 };

export async function info(file: string, { json }: { json?: boolean }): Promise<undefined> {
  const found = await readInfo(file);
  const rows = found.size + found.dead;
  const sections = found.sections.map((section) => ({ ...section, bytes: section.length * (BYTES[section.dtype] ?? 1) }));
  const bytesPerVector = Object.fromEntries(sections.map(({ name, bytes }) => [name, rows > 0 ? bytes / rows : 0]));
  if (json) {
    console.log(JSON.stringify({ ...found, sections, bytesPerVector }, undefined, 2));
    return undefined;
  }
  const parts = sections.map(({ name, dtype, bytes }) => {
    const mean = Number(bytesPerVector[name]!.toFixed(2));
    const each = mean > 0 ? `, ${mean} bytes a vector` : '';
    return [`  ${name}`, `${formatBytes(bytes)} (${dtype}${each})`] as const;
  });
  console.log(
    formatFacts([
      ['file', file],
      ['index', found.description],
      ...(found.graph ? graphFacts(found.graph) : []),
      ['metric', found.metric],
      ['dim', String(found.dim)],
      ['rows', `${found.size}${found.dead > 0 ? ` live, ${found.dead} dead (removed or replaced; compact lets go of them)` : ''}`],
      ['seed', String(found.seed)],
      ['size', `${formatBytes(found.fileBytes)} (${found.fileBytes} bytes)`],
      ...parts,
      ...(found.tuned ? tunedFacts(found.tuned) : []),
      ['SHA-256', `${found.sha256} (of the body, checked)`],
    ]),
  );
  return undefined;
}

/** What tuning measured of the way that the index was chosen for. */
function tunedFacts({ point, measuredOn }: TunedChoice): [string, string][] {
  const { recall, recallInterval, latency, search } = point;
  const ways = Object.entries(search).map(([name, value]) => `${name} ${value}`);
  const promise = `recall ${recall.toFixed(3)} (${recallInterval.map((x) => x.toFixed(3)).join(' to ')}), p99 ${latency.p99.toFixed(2)} ms`;
  const facts: [string, string][] = [['tuned', [...ways, promise].join(', ')]];
  if (measuredOn) {
    const { n, k, engine, machine } = measuredOn;
    facts.push(['  measured on', `${n} rows, k ${k}, ${engine}, ${machine.runtime}, ${machine.system}`]);
  }
  return facts;
}

const TRAVERSALS = {
  sq8: 'SQ8 codes',
  f32: 'f32 distances, as 8 bits are too coarse for these vectors',
  pq: 'codes of a product quantiser',
} as const;

function graphFacts({ M, efConstruction, efSearch, entryLevel, traversal, traversalBytes }: GraphInfo): [string, string][] {
  return [
    ['  graph', `M ${M}, efConstruction ${efConstruction}, efSearch ${efSearch}, entry on level ${entryLevel}`],
    ['  walked by', `${TRAVERSALS[traversal]} (${traversalBytes} bytes a vector in memory)`],
  ];
}
