/** Something of fixed size that can be stored. */
export interface Stored {
  bytes(): Uint8Array;
  restore(bytes: Uint8Array, name: string): void;
}

/** Returns the bytes of several small states one after the other, so that they share pages of a checkpoint. */
export function packStates(parts: Readonly<Record<string, Stored>>): Uint8Array {
  const all = Object.values(parts).map((part) => part.bytes());
  const packed = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of all) {
    packed.set(bytes, at);
    at += bytes.length;
  }
  return packed;
}

/** Fills states from what `packStates` made of the same ones; throws RangeError when the sizes differ. */
export function unpackStates(parts: Readonly<Record<string, Stored>>, packed: Uint8Array): void {
  let at = 0;
  for (const [name, part] of Object.entries(parts)) {
    const { length } = part.bytes();
    part.restore(packed.subarray(at, at + length), name);
    at += length;
  }
  if (at !== packed.length) {
    throw new RangeError(`restoring packed states: ${String(packed.length)} bytes, expected ${String(at)}`);
  }
}
