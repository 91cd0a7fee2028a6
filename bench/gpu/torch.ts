/** PyTorch on the same card, where a Python has it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { benchFile } from '../places.ts';
import type { Settings, TorchReport } from './report.ts';

/** Importing PyTorch alone may take half a minute. */
const TIMEOUT_MS = 240_000;
const SEED = 1;

export async function torchReport(python: string, batch: number, { rows, dim, k }: Settings, secondsLeft: number): Promise<TorchReport> {
  const args = [benchFile('gpu/torch-flat.py'), ...[rows, batch, dim, k, SEED].map(String)];
  try {
    const { stdout } = await promisify(execFile)(python, args, { timeout: Math.ceil(Math.min(TIMEOUT_MS, 1000 * secondsLeft)) });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as TorchReport;
  } catch (error) {
    const { killed, stderr } = error as { killed?: boolean; stderr?: string };
    const last = stderr?.trim().split('\n').at(-1);
    return { missing: killed ? 'PyTorch took too long' : `it failed: ${last || (error as Error).message}` };
  }
}
