import avro from 'avsc';
import type { Schema, Type } from 'avsc';

/** What avsc 5.7.9 reads values from, as far as it is used. */
interface TapInternals {
  readonly buf: Buffer;
  /** Where the next value begins. Beyond the end: the bytes were cut, which avsc says when it is done. */
  pos: number;
  readLong(): number;
}

/** Avro's type `bytes`, its values views of the bytes that they are read from. */
class BytesViewType extends avro.types.BytesType {
  _read(tap: TapInternals): Buffer {
    const length = tap.readLong();
    const from = tap.pos;
    tap.pos = length < 0 ? tap.buf.length + 1 : from + length;
    return tap.buf.subarray(from, tap.pos);
  }
}

/** Returns the type of a schema. Of what it decodes, fields of bytes are views of what they were decoded from. */
export function typeWithViews(schema: Schema): Type {
  return avro.Type.forSchema(schema, {
    typeHook: (one) => (one === 'bytes' ? new BytesViewType() : undefined),
  });
}
