/** The twins in the place of a GPU beside a host of its own: walks and builds as devices do them, without the wait for a driver. */
import type { Engine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { IsodexError } from '../../src/util/errors.ts';

/** From the `at`-th call on the device is lost, or at that call it is full. */
export interface DeviceFailure {
  readonly at: number;
  readonly code: 'device-lost' | 'out-of-memory';
}

export interface FakeGpu {
  readonly engine: Engine;
  readonly state: { calls: number; lost: boolean };
}

export function fakeGpu(host: Engine, failure?: DeviceFailure): FakeGpu {
  const device = new ReferenceEngine();
  const state = { calls: 0, lost: false };
  const watching = (name: 'alloc' | 'run' | 'read') => {
    return async (...args: unknown[]) => {
      const isNow = state.calls++ === failure?.at;
      state.lost ||= isNow && failure.code === 'device-lost';
      if (isNow || state.lost) throw new IsodexError(failure!.code, 'the device failed');
      return (device[name] as (...args: unknown[]) => unknown)(...args);
    };
  };
  const calls = { alloc: watching('alloc'), run: watching('run'), read: watching('read') };
  const engine = Object.assign(Object.create(device), { ...calls, pick: async () => (state.lost ? host : engine) }) as Engine;
  Object.defineProperties(engine, { kind: { value: 'gpu' }, host: { value: host } });
  return { engine, state };
}
