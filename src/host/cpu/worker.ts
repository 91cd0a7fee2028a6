// A thread of the CPU engine. Bundled as text (build/plugins.ts), so it imports nothing. It runs ranges of a dispatch on
// the shared memory: threads take the next `grain` items from a counter until none is left. A thread that has a job for
// itself may be given several dispatches at once, to do one after the other.

type Exports = Record<string, (...args: number[]) => void>;
interface Start {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}
interface Work {
  name: string;
  args: number[];
  items: number;
  grain: number;
  /** Address of the counter, an i32. */
  counter: number;
}
interface Job {
  job: number;
  works: Work[];
}

const node = typeof process === 'object' && process.versions?.node ? process.getBuiltinModule('node:worker_threads') : undefined;
const send = (message: unknown) => (node ? node.parentPort?.postMessage(message) : (self as unknown as Worker).postMessage(message));

let memory: WebAssembly.Memory;
let exports: Exports;

async function receive(message: Start | Job): Promise<void> {
  if ('module' in message) {
    memory = message.memory;
    const instance = await WebAssembly.instantiate(message.module, { env: { memory, abort() {} } });
    exports = instance.exports as unknown as Exports;
    send({ ready: true });
    return;
  }
  const { job, works } = message;
  try {
    for (const work of works) runItems(work);
    send({ job });
  } catch (error) {
    send({ job, error: String(error) });
  }
}

function runItems({ name, args, items, grain, counter }: Work): void {
  const next = new Int32Array(memory.buffer, counter, 1);
  for (let begin = Atomics.add(next, 0, grain); begin < items; begin = Atomics.add(next, 0, grain)) {
    exports[name]!(...args, begin, Math.min(begin + grain, items));
  }
}

if (node) node.parentPort?.on('message', receive);
else self.onmessage = (event) => receive(event.data);
