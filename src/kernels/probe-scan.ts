import { ceilDiv } from '../util/math.ts';
import { probeScanTwin } from './cpu/probe-scan.ts';
import { FORMS } from './graph.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const WORKGROUP = 128;

/** Forms that the kernel scores; the host's list-scan may know more. */
const SCORED: readonly number[] = [FORMS.sq8L2, FORMS.sq8Ip, FORMS.pq8, FORMS.pq4];

export function isProbeScanned(form: number): boolean {
  return SCORED.includes(form);
}

/**
 * Integer keys and ids of all rows in the inverted lists that queries probe, list after list: what list-scan compares
 * (list-scan.ts), for devices, where top-k selects. Shapes: shaders/probe-scan.wgsl.
 */
export const probeScan = defineKernel({
  name: 'probe-scan',
  bindings: {
    queries: reads('u32'),
    codes: reads('i8'),
    rowTerms: reads('i32'),
    rows: reads('u32'),
    mask: reads('u32'),
    jobs: reads('u32'),
    keys: writes('i32'),
    ids: writes('u32'),
  },
  params: ['nq', 'nprobe', 'form', 'stride', 'queryWords', 'withTerms', 'm'],
  items: ({ nq }) => nq,
  terms: ({ nq, stride, m }) => nq * m * stride,
  plan({ nq, m }, limits) {
    return { constants: { WORKGROUP }, grid: splitGrid(ceilDiv(m, WORKGROUP), nq, limits) };
  },
  twin: probeScanTwin,
});
