// Scratch memory is cut into as many slots as threads may be at work; the first word of a slot is its lock. A thread takes
// one for a range of items, so a kernel that needs room of its own stays free of static memory. Slots come zeroed.

/** Takes a free slot and returns its address. */
export function takeSlot(scratch: usize, slots: i32, slotWords: i32): usize {
  const bytes = <usize>slotWords << 2;
  let i = 0;
  while (atomic.cmpxchg<i32>(scratch + <usize>i * bytes, 0, 1) != 0) i = i + 1 == slots ? 0 : i + 1;
  return scratch + <usize>i * bytes;
}

// @ts-ignore: decorator
@inline
export function giveSlot(slot: usize): void {
  atomic.store<i32>(slot, 0);
}
