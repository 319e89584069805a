/** Returns the places of the bits that are set, ascending; `count` is how many are. */
export function listBits(bits: Int32Array, count: number): Int32Array<ArrayBuffer> {
  const list = new Int32Array(count);
  let at = 0;
  for (let word = 0; word < bits.length; word++) {
    for (let rest = bits[word] ?? 0; rest !== 0; rest &= rest - 1) {
      list[at++] = (word << 5) | (31 - Math.clz32(rest & -rest));
    }
  }
  return list;
}
