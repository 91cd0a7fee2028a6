import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure means nothing without. No names and no paths of the machine. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly loadAverage: number;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    loadAverage: loadavg()[0]!,
  };
}

export function describe(machine: Machine): string {
  const memory = `${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return `${machine.cpu}, ${machine.cores} cores, ${memory}, Node ${machine.node}, load average ${machine.loadAverage.toFixed(2)}`;
}
