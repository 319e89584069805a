/** Does what is done piece by piece, and returns what it returned and how many times it yielded. */
export function inPieces<T>(work: Generator<undefined, T>): { readonly result: T; readonly pieces: number } {
  let pieces = 0;
  let step = work.next();
  for (; step.done !== true; step = work.next()) pieces += 1;
  return { result: step.value, pieces };
}
