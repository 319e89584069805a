const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line of an NDJSON body that is not blank. */
export interface Line {
  /** Its number in the body, 1, 2, 3 …, blank lines counted. */
  readonly number: number;
  /** Without its end; undefined when it is longer than allowed: such a line is not kept. */
  readonly bytes: Buffer | undefined;
  /** Its length, bytes. */
  readonly length: number;
}

/**
 * Yields the lines of a stream in order, and reads no faster than they are taken. Keeps at most one line of the allowed
 * length and one chunk.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<Line> {
  let number = 1;
  let length = 0;
  let kept: Buffer[] = [];

  const add = (piece: Buffer): void => {
    length += piece.length;
    if (length <= lineBytesMax) kept.push(piece);
    else kept = [];
  };
  const end = (): Line | undefined => {
    const [first] = kept;
    let bytes = length > lineBytesMax ? undefined : kept.length === 1 ? first : Buffer.concat(kept);
    if (bytes?.at(-1) === RETURN) bytes = bytes.subarray(0, -1);
    const line = { number, bytes, length };
    number += 1;
    length = 0;
    kept = [];
    return bytes?.length === 0 ? undefined : line;
  };

  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      const line = end();
      if (line !== undefined) yield line;
    }
    add(chunk.subarray(from));
  }
  const last = end();
  if (last !== undefined) yield last;
}
