/** An answer as it came over a connection. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly closes: boolean;
}

const HEAD_END = '\r\n\r\n';

/** Returns the body of chunks and where it ends; undefined while it is not whole. */
function dechunk(bytes: Buffer, from: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const dataAt = lineEnd + 2;
    if (!(size >= 0)) throw new SyntaxError('a chunk of the answer has no length');
    if (bytes.length < dataAt + size + 2) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), end: dataAt + 2 };
    parts.push(bytes.subarray(dataAt, dataAt + size));
    at = dataAt + size + 2;
  }
}

/**
 * Returns the first whole answer in bytes and what follows it; undefined while there is none. Interim answers are passed
 * over. Throws SyntaxError for what is no answer.
 *
 * @param isEnded whether nothing more comes: a body without a length is whole then
 */
export function readAnswer(
  bytes: Buffer,
  isEnded: boolean,
): { readonly answer: RawAnswer; readonly rest: Buffer } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${first} `)?.[1] ?? NaN);
  if (Number.isNaN(status)) throw new SyntaxError(`no status line: ${first.slice(0, 80)}`);
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const from = headEnd + HEAD_END.length;
  if (status < 200) return readAnswer(bytes.subarray(from), isEnded);
  const closes = headers.get('connection')?.toLowerCase() === 'close';
  const length = headers.get('content-length');
  if (headers.get('transfer-encoding') === 'chunked') {
    const whole = dechunk(bytes, from);
    return (
      whole && { answer: { status, headers, body: whole.body, closes }, rest: bytes.subarray(whole.end) }
    );
  }
  const end = length === undefined ? (isEnded ? bytes.length : Infinity) : from + Number(length);
  if (bytes.length < end) return undefined;
  return { answer: { status, headers, body: bytes.subarray(from, end), closes }, rest: bytes.subarray(end) };
}
