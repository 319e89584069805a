// The memory of a kernel, handed out piece by piece from its beginning on.

let next: usize = __heap_base;

/** Returns the address of so many bytes more, zeros once `grow` has made sure of them. */
export function take(bytes: i32): usize {
  const at = (next + 15) & ~15;
  next = at + <usize>bytes;
  return at;
}

/** Makes sure that all that was taken, and so many bytes more, is there. */
export function grow(more: i32): void {
  const pages = <i32>((next + <usize>more + 0xffff) >> 16);
  if (pages > memory.size()) memory.grow(pages - memory.size());
}
