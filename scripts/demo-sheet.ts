/**
 * Writes a page of query pictures with their nearest neighbours: node demo-sheet.ts DATA RESULTS.json OUT.html SHOWN. DATA is a
 * folder of Fashion-MNIST's files, RESULTS what `isodex search --format json` found for its test pictures among the others.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { encode } from 'fast-png';

const CLASSES = ['T-shirt', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Boot'];

interface Results {
  readonly k: number;
  readonly labels: number[][];
  readonly distances: (number | null)[][];
  readonly engine: string;
  readonly seconds: number;
}

interface Pictures {
  readonly n: number;
  readonly side: number;
  picture(i: number): Uint8Array;
  classOf(i: number): number;
}

/** The bytes of an IDX file: two zeros, the type, the number of dimensions, each dimension as u32, then the values. */
function readIdx(path: string): { dims: number[]; values: Uint8Array } {
  const bytes = gunzipSync(readFileSync(path));
  const dims = Array.from({ length: bytes[3]! }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  return { dims, values: bytes.subarray(4 + 4 * dims.length) };
}

function readPictures(folder: string, part: string): Pictures {
  const { dims, values } = readIdx(join(folder, `${part}-images-idx3-ubyte.gz`));
  const classes = readIdx(join(folder, `${part}-labels-idx1-ubyte.gz`)).values;
  const [n, side] = dims as [number, number];
  const size = side * side;
  return { n, side, picture: (i) => values.subarray(i * size, (i + 1) * size), classOf: (i) => classes[i]! };
}

/** Black with the pixels as opacity, so that the page decides what lies behind. */
function pngUri(pixels: Uint8Array, side: number): string {
  const data = new Uint8Array(2 * pixels.length);
  for (const [i, value] of pixels.entries()) data[2 * i + 1] = value;
  return `data:image/png;base64,${Buffer.from(encode({ width: side, height: side, data, channels: 2, depth: 8 })).toString('base64')}`;
}

function figure(pictures: Pictures, i: number, kind: string, caption: string, title: string): string {
  const name = CLASSES[pictures.classOf(i)]!;
  const image = `<img alt="${name}" src="${pngUri(pictures.picture(i), pictures.side)}">`;
  return `<figure class="${kind}" title="${title}">${image}<figcaption><b>${name}</b>${caption}</figcaption></figure>`;
}

/** Distances are squared; their roots are what people compare. */
function neighbour(base: Pictures, row: number, distance: number, wanted: number): string {
  const kind = base.classOf(row) === wanted ? 'same' : 'other';
  const caption = `<span>${Math.round(Math.sqrt(distance))}</span>`;
  return figure(base, row, kind, caption, `row ${row}, squared distance ${distance}`);
}

function rowOf(base: Pictures, queries: Pictures, results: Results, q: number): string {
  const wanted = queries.classOf(q);
  const found = results.labels[q]!.map((row, i) => (row < 0 ? '' : neighbour(base, row, results.distances[q]![i]!, wanted)));
  return `<div class="row">${figure(queries, q, 'query', `<span>query ${q}</span>`, `test picture ${q}`)}<div class="found">${found.join('')}</div></div>`;
}

/** The share of queries whose nearest row is of their own class, and of all neighbours that are. */
function accuracy(base: Pictures, queries: Pictures, { labels }: Results): { nearest: number; all: number } {
  let [nearest, all, count] = [0, 0, 0];
  for (const [q, rows] of labels.entries()) {
    const same = rows.filter((row) => row >= 0).map((row) => base.classOf(row) === queries.classOf(q));
    if (same[0]) nearest++;
    all += same.filter(Boolean).length;
    count += same.length;
  }
  return { nearest: nearest / labels.length, all: all / count };
}

const STYLE = `
:root { color-scheme: light dark; --page: #f7f7f5; --card: #fff; --ink: #1c1c1a; --soft: #6b6b66; --line: #e3e3de; --same: #2e9e5b; --other: #d9483b; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --card: #20201e; --ink: #ededea; --soft: #9b9b95; --line: #343431; --same: #3fbf74; --other: #ef6a5d; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; padding: 2.5rem 1.5rem 4rem; }
main { max-width: 1120px; margin: auto; }
h1 { font-size: 1.75rem; font-weight: 650; letter-spacing: -.02em; }
header p { color: var(--soft); max-width: 46rem; margin-top: .4rem; }
dl { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: 1.4rem 0 1.8rem; }
dt { color: var(--soft); font-size: .78rem; }
dd { font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.row { display: flex; gap: 1.5rem; align-items: flex-start; padding: .9rem 0; border-top: 1px solid var(--line); }
.found { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: .6rem; flex: 1; min-width: 0; }
figure { min-width: 0; text-align: center; }
.query { width: 92px; flex: none; }
img { width: 100%; aspect-ratio: 1; display: block; background: var(--card); border-radius: 8px; padding: 6%; border: 2px solid var(--line); image-rendering: pixelated; }
.same img { border-color: var(--same); }
.other img { border-color: var(--other); }
.query img { border-color: var(--ink); }
@media (prefers-color-scheme: dark) { img { background: #fafaf7; } }
figcaption { font-size: .72rem; line-height: 1.3; margin-top: .3rem; }
figcaption b { display: block; font-weight: 550; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
figcaption span { color: var(--soft); font-variant-numeric: tabular-nums; }
.other b { color: var(--other); }
.key { display: flex; gap: 1.4rem; color: var(--soft); font-size: .85rem; margin-bottom: 1rem; flex-wrap: wrap; }
.key i { display: inline-block; width: .9em; height: .9em; border-radius: 3px; border: 2px solid; vertical-align: -.1em; margin-right: .45em; }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .82rem; }
@media (max-width: 760px) { .row { flex-direction: column; } .found { grid-template-columns: repeat(5, minmax(0, 1fr)); width: 100%; } }`;

const grouped = (n: number) => n.toLocaleString('en-US');
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function page(base: Pictures, queries: Pictures, results: Results, shown: number): string {
  const { nearest, all } = accuracy(base, queries, results);
  const nq = results.labels.length;
  const facts: [string, string][] = [
    ['pictures searched', grouped(base.n)],
    ['queries', grouped(nq)],
    ['engine', results.engine.toUpperCase()],
    ['time', `${results.seconds.toFixed(2)} s`],
    ['queries per second', grouped(Math.round(nq / results.seconds))],
    ['nearest of the same class', percent(nearest)],
    ['neighbours of the same class', percent(all)],
  ];
  const rows = Array.from({ length: Math.min(shown, nq) }, (_, q) => rowOf(base, queries, results, q));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Isodex: Fashion-MNIST, ${grouped(base.n)} pictures on the ${results.engine}</title><style>${STYLE}</style></head><body><main>
<header><h1>Fashion-MNIST, searched by Isodex</h1>
<p>Each row is a picture that the index has not seen, and its ${results.k} exact nearest neighbours among ${grouped(base.n)} others, by the distance of
their 784 pixels. The number under a picture is that distance.</p></header>
<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>
<div class="key"><span><i style="border-color:var(--same)"></i>same class as the query</span><span><i style="border-color:var(--other)"></i>another class</span></div>
${rows.join('\n')}
<footer>The first ${rows.length} of ${grouped(nq)} test pictures. Fashion-MNIST: Xiao, Rasul, Vollgraf (Zalando SE, MIT licence).</footer>
</main></body></html>
`;
}

const [folder, resultsPath, out, shown] = process.argv.slice(2) as [string, string, string, string];
const [base, queries] = [readPictures(folder, 'train'), readPictures(folder, 't10k')];
const results: Results = JSON.parse(readFileSync(resultsPath, 'utf8'));
writeFileSync(out, page(base, queries, results, Number(shown)));
const { nearest } = accuracy(base, queries, results);
console.log(`${out}: nearest neighbour of the same class for ${percent(nearest)} of ${grouped(results.labels.length)} queries`);
