/**
 * The panel layout of 8-bit codes, made for scanning many rows: four rows side by side, word by word, so that one
 * 128-bit load brings the same four dimensions of four rows and no sum across lanes is needed.
 *
 *   codes i8 [n, width] → u32 words [n / 4 panels][width / 4 words][4 rows], width a multiple of 4, n of BLOCK_ROWS
 *
 * Scans walk blocks of 64 rows. A pass takes every `step`-th block; with `skip` it leaves out every second of those,
 * which earlier passes with twice the step have seen: sampled seeds and growing rounds without moving a row.
 */
import { ceilDiv } from '../util/math.ts';

export const PANEL_ROWS = 4;
export const BLOCK_ROWS = 64;
/** Blocks of a pass against those of the passes before it: a pass that skips leaves out every second of its blocks. */
export const PASS_GROWTH = 2;

/** Index of the u32 word that holds dimensions 4·word … 4·word + 3 of `row`. */
export function panelWord(row: number, word: number, words: number): number {
  return ((row >>> 2) * words + word) * 4 + (row & 3);
}

/** The block that is the `index`-th of a pass. */
export function passBlock(index: number, step: number, skip: number): number {
  return step * (skip ? 2 * index + 1 : index);
}

/** How many of `blocks` blocks a pass visits. */
export function passLength(blocks: number, step: number, skip: number): number {
  return ceilDiv(blocks, step) - (skip ? ceilDiv(blocks, step * PASS_GROWTH) : 0);
}
