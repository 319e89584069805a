import { createRequire } from 'node:module';

/** The encoder of kafkajs: the first `offset` bytes of `buf` are written. */
interface Encoder {
  buf: Buffer;
  offset: number;
  /** What comes before them, and how long it is. */
  pieces?: Buffer[] | undefined;
  piecesBytes?: number;
  readonly buffer: Buffer;
}

/** What is replaced of it. */
interface EncoderClass {
  new (bytes?: number): Encoder;
  readonly prototype: {
    writeBufferInternal(this: Encoder, bytes: Buffer): void;
    writeEncoder(this: Encoder, value: Encoder): unknown;
    writeEncoderArray(this: Encoder, values: readonly Encoder[]): unknown;
    size(this: Encoder): number;
  };
}

/** From how many bytes on a piece is not copied. */
const PIECE_BYTES = 1024;
const TAIL_BYTES = 64;

/**
 * Makes an encoder of kafkajs 2.2.4 keep large pieces as they are and put all together once, when somebody asks for its bytes. A
 * request is made by encoders in encoders, five deep for records: each copied all of it to memory that it had filled with zeros and
 * that is up to twice as large.
 */
export function collectPieces(encoderClass: EncoderClass): void {
  const { prototype } = encoderClass;
  const { writeBufferInternal: copy } = prototype;

  function keep(encoder: Encoder, piece: Buffer): void {
    const pieces = (encoder.pieces ??= []);
    const { offset } = encoder;
    if (offset > 0) {
      pieces.push(encoder.buf.subarray(0, offset));
      encoder.buf = Buffer.allocUnsafe(TAIL_BYTES);
      encoder.offset = 0;
    }
    pieces.push(piece);
    encoder.piecesBytes = (encoder.piecesBytes ?? 0) + offset + piece.length;
  }

  function write(encoder: Encoder, bytes: Buffer): void {
    if (bytes.length < PIECE_BYTES) copy.call(encoder, bytes);
    else keep(encoder, bytes);
  }

  function writeAll(encoder: Encoder, value: Encoder): void {
    for (const piece of value.pieces ?? []) write(encoder, piece);
    write(encoder, value.buf.subarray(0, value.offset));
  }

  prototype.writeBufferInternal = function writeBufferInternal(bytes) {
    write(this, bytes);
  };
  prototype.writeEncoder = function writeEncoder(value) {
    writeAll(this, value);
    return this;
  };
  prototype.writeEncoderArray = function writeEncoderArray(values) {
    for (const value of values) writeAll(this, value);
    return this;
  };
  prototype.size = function size() {
    return (this.piecesBytes ?? 0) + this.offset;
  };
  Object.defineProperty(prototype, 'buffer', {
    get(this: Encoder): Buffer {
      const written = this.buf.subarray(0, this.offset);
      if (this.pieces === undefined) return written;
      this.buf = Buffer.concat([...this.pieces, written]);
      this.offset = this.buf.length;
      this.pieces = undefined;
      this.piecesBytes = 0;
      return this.buf;
    },
  });
}

let isInstalled = false;

/** Does so with the encoder of all requests. Idempotent; called once by the client factory before any connection exists. */
export function installRequestPieces(): void {
  if (isInstalled) return;
  isInstalled = true;
  collectPieces(createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as EncoderClass);
}
