import { readInfo } from '../node.ts';
import { openChosenEngine, openIndexOn } from './inputs.ts';
import type { EngineArgs } from './options.ts';
import { checkTarget, saveIndex } from './outputs.ts';
import type { Task } from './perform.ts';
import { graphWork, Progress } from './progress.ts';
import { formatSeconds } from './table.ts';

interface CompactArgs extends EngineArgs {
  readonly out?: string;
}

export async function compact(file: string, args: CompactArgs, task: Task): Promise<undefined> {
  const started = performance.now();
  const { out = file } = args;
  await checkTarget(out);
  const { dead } = await readInfo(file);
  if (dead === 0 && args.out === undefined) {
    console.log(`${file}: every row is live, so it stays as it is`);
    return undefined;
  }
  using engine = await openChosenEngine(args, task);
  using index = await openIndexOn(file, engine, task);
  using linking = new Progress('linking', graphWork);
  await index.compact({ signal: task.signal, onProgress: linking.update });
  linking.stop();
  const about = await saveIndex(index, out, task);
  console.log(`${about}, ${dead} dead rows let go of in ${formatSeconds((performance.now() - started) / 1000)} s`);
  return undefined;
}
