import { probeScoresTwin } from './cpu/probe-scores.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/**
 * How far the centroids of probed lists are from queries: integers, exact in f64. Host only.
 *
 *   queries u32 [nq, words], centroids u32 [nlist, words]: pairs of i16 values within ±2^14, zeros at the end; words is a multiple of 4
 *   probes  u32 [nq, nprobe]: lists, NONE where there is none
 *   scores  f64 [nq, nprobe]: |q − c|² where `squared` is 1, −q · c where it is 0; 0 where there is no list
 */
export const probeScores = defineKernel({
  name: 'probe-scores',
  bindings: { queries: reads('u32'), centroids: reads('u32'), probes: reads('u32'), scores: writes('f64') },
  params: ['nq', 'nprobe', 'words', 'squared'],
  items: ({ nq }) => nq,
  terms: ({ nq, nprobe, words }) => nq * nprobe * words * 2,
  twin: probeScoresTwin,
});
