import { projectTwin } from './cpu/project.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/**
 * Projects rows onto a few orthonormal directions and adds one coordinate for the length of what is left over. Because
 * the leftovers' lengths differ by no more than the leftovers do, the map shortens distances and never lengthens them;
 * for inner products it never makes them smaller (docs/identity.md, the projection). Host only.
 *
 *   vectors   f32 [n, dim]           mean f32 [width], width = dim padded with zeros to a multiple of 4
 *   basis     f32 [p, width]         p a multiple of 4
 *   projected f32 [n, p + 4]: p coordinates, the length of the rest, three zeros
 *   norms     f64 [n, 2]: ‖x − mean‖² and the squared norm of the p coordinates
 *
 * Coordinates are f32: four partial sums by j mod 4, each product and sum rounded, then (0+2)+(1+3). Norms are f64,
 * summed alike.
 */
export const project = defineKernel({
  name: 'project',
  bindings: { vectors: reads('f32'), mean: reads('f32'), basis: reads('f32'), projected: writes('f32'), norms: writes('f64') },
  params: ['n', 'dim', 'p'],
  items: ({ n }) => n,
  terms: ({ n, dim, p }) => n * dim * (p + 2),
  twin: projectTwin,
});
