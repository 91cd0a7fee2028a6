// A thread of the CPU engine. Bundled as text (build/plugins.ts), so it imports nothing. It runs ranges of a dispatch on
// the shared memory: threads take the next `grain` items from a counter until none is left.

type Exports = Record<string, (...args: number[]) => void>;
interface Start {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}
interface Job {
  job: number;
  name: string;
  args: number[];
  items: number;
  grain: number;
  /** Address of the counter, an i32. */
  counter: number;
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
  const { job, name, args, items, grain } = message;
  try {
    const counter = new Int32Array(memory.buffer, message.counter, 1);
    for (let begin = Atomics.add(counter, 0, grain); begin < items; begin = Atomics.add(counter, 0, grain)) {
      exports[name]!(...args, begin, Math.min(begin + grain, items));
    }
    send({ job });
  } catch (error) {
    send({ job, error: String(error) });
  }
}

if (node) node.parentPort?.on('message', receive);
else self.onmessage = (event) => receive(event.data);
