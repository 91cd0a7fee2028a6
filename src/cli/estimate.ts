import { estimate, type MemoryEstimate, type PartBytes } from '../node.ts';
import { formatBytes, formatTable } from './table.ts';

interface EstimateArgs {
  readonly rows: number;
  readonly dim: number;
  readonly json?: boolean;
}

export async function estimateIndex(description: string, { rows, dim, json }: EstimateArgs): Promise<undefined> {
  const found = estimate(description, { n: rows, dim });
  if (json) console.log(JSON.stringify(found, undefined, 2));
  else console.log(`${found.description}, ${rows} rows of dim ${dim}\n\n${estimateTable(found)}`);
  return undefined;
}

/** Parts that take any bytes, and their sum, in memory and in the file. */
function estimateTable({ memory, file }: MemoryEstimate): string {
  const parts = (Object.keys(memory.parts) as (keyof PartBytes['parts'])[]).filter((part) => memory.parts[part] + file.parts[part] > 0);
  const cells = (total: number, each: number) => [formatBytes(total), each.toFixed(1)];
  return formatTable(
    ['part', 'memory', 'bytes a vector', 'file', 'bytes a vector'],
    [
      ...parts.map((part) => [
        part,
        ...cells(memory.parts[part], memory.perVector[part]),
        ...cells(file.parts[part], file.perVector[part]),
      ]),
      ['total', ...cells(memory.total, memory.perVector.total), ...cells(file.total, file.perVector.total)],
    ],
  );
}
