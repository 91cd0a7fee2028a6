import { readInfo } from '../node.ts';
import { formatBytes, formatFacts } from './table.ts';

const BYTES: Readonly<Record<string, number>> = { f64: 8, f32: 4, i32: 4, u32: 4, i8: 1 };

export async function info(file: string, { json }: { json?: boolean }): Promise<undefined> {
  const found = await readInfo(file);
  const sections = found.sections.map((section) => ({ ...section, bytes: section.length * (BYTES[section.dtype] ?? 1) }));
  const bytesPerVector = Object.fromEntries(sections.map(({ name, bytes }) => [name, found.size > 0 ? bytes / found.size : 0]));
  if (json) {
    console.log(JSON.stringify({ ...found, sections, bytesPerVector }, undefined, 2));
    return undefined;
  }
  const parts = sections.map(({ name, dtype, bytes }) => {
    const each = found.size > 0 ? `, ${Number(bytesPerVector[name]!.toFixed(2))} bytes a vector` : '';
    return [`  ${name}`, `${formatBytes(bytes)} (${dtype}${each})`] as const;
  });
  console.log(
    formatFacts([
      ['file', file],
      ['index', found.description],
      ['metric', found.metric],
      ['dim', String(found.dim)],
      ['rows', String(found.size)],
      ['seed', String(found.seed)],
      ['size', `${formatBytes(found.fileBytes)} (${found.fileBytes} bytes)`],
      ...parts,
      ['SHA-256', `${found.sha256} (of the body, checked)`],
    ]),
  );
  return undefined;
}
