/** What codes of two limbs have lost of a vector, in the integers that a device narrows by (docs/identity.md, part 13). */
import { LANES } from '../kernels/canonical-distances.ts';
import { FORMS } from '../kernels/graph.ts';
import { SATURATED } from '../kernels/sq8-filter.ts';
import { LIMB_STEPS } from '../kernels/sq8-limbs.ts';
import { roundUp } from '../util/math.ts';
import { dotRounding, ipQueryTerms, ipSlack, l2Slack } from './bounds.ts';
import { type Grid, roomAt, roomFor, safeError } from './sq8-codec.ts';

/** P that the kernel's sums have room for; no query whose code fits its own scale comes near. */
const MOST_P = 2 ** 14;

interface CodedBy {
  readonly dim: number;
  readonly form: number;
  readonly stride: number;
  readonly grid: Pick<Grid, 'shift' | 'scale'> | undefined;
}

/** What both limbs say of a block of vectors: f64 [n, 2] as `sq8-limbs` gives it, and the scale of each. */
interface Limbed {
  readonly lengths: Float64Array;
  readonly scales: Float32Array;
}

/** Into the last word of each vector's limbs, i8 [n, stride]: what it has lost, as shaders/graph-narrow.wgsl reads it. */
export function writeSlacks(plan: CodedBy, limbs: Int8Array, { lengths, scales }: Limbed, areRows: boolean): void {
  const words = new Uint32Array(limbs.buffer, limbs.byteOffset, limbs.byteLength / 4);
  const { shift, scale } = plan.grid!;
  const step = plan.stride / 4;
  const width = roundUp(plan.dim, LANES);
  const room = { dim: plan.dim, errorRoom: scale === 1 && shift.every((x) => x === 128) ? 0 : roomFor({ shift, scale }) };
  for (let i = 0; i < scales.length; i++) {
    const own = scales[i]!;
    const error = safeError(lengths[2 * i]!, own === scale ? room.errorRoom : roomAt(room, own));
    const norm = Math.sqrt(lengths[2 * i + 1]!) / LIMB_STEPS;
    words[(i + 1) * step - 1] = slackWord(plan, error, norm, own, width, areRows);
  }
}

/** `norm` in code steps, `error` in the vectors' units. */
function slackWord({ form, grid }: CodedBy, error: number, norm: number, own: number, width: number, isRow: boolean): number {
  if (form === FORMS.sq8L2) return l2Slack(error, 64 * own);
  if (isRow) return ipSlack(error + dotRounding(norm / own + error, width), norm, 16 * own);
  const [P, Q] = ipQueryTerms(norm / own + error, 16 * error, own);
  const underflow = grid!.scale * own * width * 2 ** -140;
  return Q < SATURATED && P < MOST_P && underflow <= 1 ? (Q | (P << 16)) >>> 0 : SATURATED;
}
