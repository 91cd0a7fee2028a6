/** `isodex bench`: hands its arguments to the bench, which the build puts beside the command line. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface Program {
  bench(args: readonly string[], name: string): Promise<number>;
}

/** `program` is not imported by name, for the bench lies above the library: it uses this package as any other. */
export async function bench(program: string, args: readonly string[]): Promise<number> {
  if (!existsSync(program))
    throw new Error(`the bench is not there (${program}): install isodex anew, or run \`npm run build\` in a checkout`);
  const { bench: run }: Program = await import(pathToFileURL(program).href);
  return run(args, 'isodex bench');
}
