/** The page's side of the browser suite: what tests call in it. */
import { createIndex, type Engine, type EngineInfo, type EngineOptions, fromBytes, openEngine } from '../../../src/main.ts';
import { type Answers, answersOf, type Workload } from '../workload.ts';
import { FaultyEngine, type KernelReport, runCollected } from './kernels.ts';
import { addLongCases } from './long-cases.ts';

/** Messages posted to workers: whether threads took part. */
let posted = 0;
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (this: Worker, ...message: unknown[]) {
  posted++;
  post.apply(this, message as Parameters<typeof post>);
};

export interface EngineAnswers {
  /** Whether the page may share memory. */
  readonly isolated: boolean;
  readonly info: EngineInfo;
  readonly answers: readonly Answers[];
  /** Messages posted to workers while the index worked: 0 where everything ran on the page's own thread. */
  readonly posted: number;
}

let registered = false;
async function registerCases(): Promise<void> {
  if (registered) return;
  registered = true;
  for (const load of Object.values(import.meta.glob('../../kernels/*.test.ts'))) await load();
  addLongCases();
}

const page = {
  /** The kernel tests' cases and the long ones on each engine, against the twins. */
  async kernels(wanted: Record<string, EngineOptions>): Promise<{ reports: KernelReport[]; posted: number }> {
    await registerCases();
    const engines = new Map<string, Engine>();
    for (const [name, options] of Object.entries(wanted)) engines.set(name, await openEngine(options));
    posted = 0;
    const reports = await runCollected(engines);
    for (const engine of engines.values()) engine.close();
    return { reports, posted };
  },

  /** The same for the twins with a planted fault. */
  async faultyKernels(): Promise<KernelReport[]> {
    await registerCases();
    return runCollected(new Map([['faulty', new FaultyEngine()]]));
  },

  /** The workloads' answers on one engine. */
  async answers(options: EngineOptions, workloads: readonly Workload[]): Promise<EngineAnswers> {
    using engine = await openEngine(options);
    posted = 0;
    const answers: Answers[] = [];
    for (const workload of workloads) answers.push(await answersOf({ createIndex, fromBytes }, engine, workload));
    return { isolated: crossOriginIsolated, info: engine.info, answers, posted };
  },

  /** The same in a browser that has WebGPU and no adapter for it. */
  answersWithoutAdapter(options: EngineOptions, workloads: readonly Workload[]): Promise<EngineAnswers> {
    const gpu = { requestAdapter: async () => null } as unknown as GPU;
    return page.answers({ ...options, gpu }, workloads);
  },
};

export type TestPage = typeof page;

declare global {
  var isodexPage: TestPage;
}
globalThis.isodexPage = page;
