/** Element types of the Open Inference Protocol v2; BF16 is of its gRPC text only. */
export const DATATYPES = [
  'BYTES',
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'BF16',
  'FP32',
  'FP64',
] as const;
export type Datatype = (typeof DATATYPES)[number];

/** Element types whose elements all take the same number of bytes. */
type Fixed = Exclude<Datatype, 'BYTES'>;

/** Bytes of the length before each element of a BYTES tensor. */
const LENGTH_BYTES = 4;

interface Element {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => unknown;
  readonly write: (view: DataView, at: number, value: number) => void;
}

function bfloat16(view: DataView, at: number): number {
  const wide = new DataView(new ArrayBuffer(4));
  wide.setUint32(0, view.getUint16(at, true) << 16);
  return wide.getFloat32(0);
}

/** No answer has an element of these types. */
const neverWritten = (): never => {
  throw new RangeError('no output has this datatype');
};

const ELEMENTS: Readonly<Record<Fixed, Element>> = {
  // A byte other than 0 and 1 stays a number, which is no BOOL.
  BOOL: { bytes: 1, read: (v, at) => [false, true][v.getUint8(at)] ?? v.getUint8(at), write: neverWritten },
  UINT8: { bytes: 1, read: (v, at) => v.getUint8(at), write: neverWritten },
  UINT16: { bytes: 2, read: (v, at) => v.getUint16(at, true), write: neverWritten },
  UINT32: { bytes: 4, read: (v, at) => v.getUint32(at, true), write: neverWritten },
  UINT64: { bytes: 8, read: (v, at) => Number(v.getBigUint64(at, true)), write: neverWritten },
  INT8: { bytes: 1, read: (v, at) => v.getInt8(at), write: neverWritten },
  INT16: { bytes: 2, read: (v, at) => v.getInt16(at, true), write: neverWritten },
  INT32: {
    bytes: 4,
    read: (v, at) => v.getInt32(at, true),
    write: (v, at, value) => v.setInt32(at, value, true),
  },
  INT64: {
    bytes: 8,
    read: (v, at) => Number(v.getBigInt64(at, true)),
    write: (v, at, value) => v.setBigInt64(at, BigInt(value), true),
  },
  FP16: { bytes: 2, read: (v, at) => v.getFloat16(at, true), write: neverWritten },
  BF16: { bytes: 2, read: bfloat16, write: neverWritten },
  FP32: {
    bytes: 4,
    read: (v, at) => v.getFloat32(at, true),
    write: (v, at, value) => v.setFloat32(at, value, true),
  },
  FP64: { bytes: 8, read: (v, at) => v.getFloat64(at, true), write: neverWritten },
};

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Returns the text of UTF-8 bytes; undefined when they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function decodeTexts(
  bytes: Uint8Array,
  count: number,
): { readonly data: readonly string[] } | { readonly message: string } {
  const view = viewOf(bytes);
  const data: string[] = [];
  let at = 0;
  while (data.length < count) {
    const index = String(data.length);
    if (bytes.length - at < LENGTH_BYTES)
      return { message: `element ${index}: ${String(bytes.length - at)} bytes left, its length takes 4` };
    const length = view.getUint32(at, true);
    at += LENGTH_BYTES;
    if (bytes.length - at < length)
      return {
        message: `element ${index}: ${String(bytes.length - at)} bytes left, its length says ${String(length)}`,
      };
    const text = textOf(bytes.subarray(at, at + length));
    if (text === undefined) return { message: `element ${index}: not valid UTF-8` };
    data.push(text);
    at += length;
  }
  const left = bytes.length - at;
  return left === 0
    ? { data }
    : { message: `${String(left)} bytes after the last of ${String(count)} elements, allowed 0` };
}

/**
 * Returns the elements of a tensor's raw bytes: little-endian, one after the other, BYTES with a length of four bytes before
 * each; or what is wrong with them. NaN is null, a missing value: raw tensors have no other way to say so. Whole numbers
 * beyond ±(2^53 - 1) come out beyond it too.
 *
 * @param count how many elements the shape says
 */
export function decodeTensor(
  bytes: Uint8Array,
  datatype: Datatype,
  count: number,
): { readonly data: readonly unknown[] } | { readonly message: string } {
  if (datatype === 'BYTES') return decodeTexts(bytes, count);
  const { bytes: size, read } = ELEMENTS[datatype];
  if (bytes.length !== size * count) {
    return {
      message: `${String(bytes.length)} bytes, ${String(count)} elements of ${datatype} take ${String(size * count)}`,
    };
  }
  const view = viewOf(bytes);
  const data = Array.from({ length: count }, (_, i) => {
    const value = read(view, i * size);
    return Number.isNaN(value) ? null : value;
  });
  return { data };
}

/** Returns the raw bytes of an output's elements. Throws RangeError for a datatype that no output has. */
export function encodeTensor(datatype: Datatype, data: readonly (number | string)[]): Uint8Array {
  if (datatype !== 'BYTES') {
    const { bytes: size, write } = ELEMENTS[datatype];
    const bytes = new Uint8Array(size * data.length);
    const view = viewOf(bytes);
    data.forEach((value, i) => {
      write(view, i * size, Number(value));
    });
    return bytes;
  }
  const texts = data.map((value) => new TextEncoder().encode(String(value)));
  const bytes = new Uint8Array(texts.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = viewOf(bytes);
  let at = 0;
  for (const text of texts) {
    view.setUint32(at, text.length, true);
    bytes.set(text, at + LENGTH_BYTES);
    at += LENGTH_BYTES + text.length;
  }
  return bytes;
}
