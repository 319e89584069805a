/** A reproducible stream of pseudo-random numbers; not for secrets. */
export interface Rng {
  /** Returns a number in [0, 1), a multiple of 2^-32. */
  readonly next: () => number;
  /** Returns an integer in 0 … n - 1, for n from 1 to 2^32. */
  readonly int: (n: number) => number;
}

/**
 * Returns a generator (sfc32, Doty-Humphrey 2010) whose whole stream is a function of the seed.
 *
 * @param seed any integer; its low 32 bits count
 */
export function createRng(seed: number): Rng {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;

  function nextInt32(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  }

  // Close seeds differ in few bits of the state until it has been mixed.
  for (let round = 0; round < 15; round++) nextInt32();

  const next = (): number => (nextInt32() >>> 0) / 0x1_0000_0000;
  return { next, int: (n) => Math.floor(next() * n) };
}
