import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { collectPieces } from '../../../shared/kafka/request-pieces.ts';

const require = createRequire(import.meta.url);

/** The encoder of kafkajs, as far as it is told what to write. */
interface Encoder {
  writeInt32(value: number): Encoder;
  writeString(value: string | null): Encoder;
  writeBytes(value: Buffer | string | null): Encoder;
  writeBuffer(value: Buffer): Encoder;
  writeArray(values: readonly unknown[]): Encoder;
  writeEncoder(value: Encoder): Encoder;
  writeEncoderArray(values: readonly Encoder[]): Encoder;
  size(): number;
  readonly buffer: Buffer;
}
type EncoderClass = (new () => Encoder) & Parameters<typeof collectPieces>[0];

/** Returns the class anew, as kafkajs has it. */
function encoderClass(): EncoderClass {
  const path = require.resolve('kafkajs/src/protocol/encoder');
  const known = require.cache[path];
  require.cache[path] = undefined;
  const made = require(path) as EncoderClass;
  require.cache[path] = known;
  return made;
}

const Theirs = encoderClass();
const Ours = encoderClass();
collectPieces(Ours);

/** Something to write: into an encoder, or an encoder in it. */
type Step =
  | { readonly kind: 'int32'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string | null }
  | { readonly kind: 'bytes'; readonly value: Buffer }
  | { readonly kind: 'buffer'; readonly value: Buffer }
  | { readonly kind: 'encoder'; readonly steps: readonly Step[] }
  | { readonly kind: 'encoders' | 'array'; readonly all: readonly (readonly Step[])[] };

const large = fc
  .oneof(fc.nat(40), fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 2000, max: 9000 }))
  .chain((length) => fc.nat(255).map((byte) => Buffer.alloc(length, byte)));

const { steps } = fc.letrec<{ steps: readonly Step[]; step: Step }>((tie) => ({
  steps: fc.array(tie('step'), { maxLength: 5, size: 'max' }),
  step: fc.oneof(
    { maxDepth: 3, depthSize: 'max' },
    fc.record({ kind: fc.constant('int32' as const), value: fc.integer() }),
    fc.record({ kind: fc.constant('string' as const), value: fc.option(fc.string({ maxLength: 600 })) }),
    fc.record({ kind: fc.constantFrom('bytes' as const, 'buffer' as const), value: large }),
    fc.record({ kind: fc.constant('encoder' as const), steps: tie('steps') }),
    fc.record({
      kind: fc.constantFrom('encoders' as const, 'array' as const),
      all: fc.array(tie('steps'), { maxLength: 3, size: 'max' }),
    }),
  ),
}));

function encode(Class: new () => Encoder, all: readonly Step[]): Encoder {
  const encoder = new Class();
  for (const step of all) {
    if (step.kind === 'int32') encoder.writeInt32(step.value);
    else if (step.kind === 'string') encoder.writeString(step.value);
    else if (step.kind === 'bytes') encoder.writeBytes(step.value);
    else if (step.kind === 'buffer') encoder.writeBuffer(step.value);
    else if (step.kind === 'encoder') encoder.writeEncoder(encode(Class, step.steps));
    else {
      const inner = step.all.map((one) => encode(Class, one));
      if (step.kind === 'array') encoder.writeArray(inner);
      else encoder.writeEncoderArray(inner);
    }
  }
  return encoder;
}

test('whatever is written into encoders in encoders, all of it is to the byte what kafkajs makes of it', () => {
  assert.notEqual(Ours, Theirs);
  let large = 0;
  fc.assert(
    fc.property(steps, fc.integer(), (all, after) => {
      const [ours, theirs] = [encode(Ours, all), encode(Theirs, all)];
      assert.equal(ours.size(), theirs.size());
      assert.deepEqual(Buffer.from(ours.buffer), Buffer.from(theirs.buffer));
      // Asked for once, it can still be written to.
      assert.deepEqual(
        Buffer.from(ours.writeInt32(after).buffer),
        Buffer.from(theirs.writeInt32(after).buffer),
      );
      assert.equal(ours.size(), theirs.size());
      if (theirs.size() > 4000) large += 1;
    }),
    { numRuns: 1000 },
  );
  assert.ok(large > 200, `${String(large)} of 1000 were large`);
});

test('a large piece is copied once, however deep it lies', () => {
  const piece = Buffer.alloc(100_000, 7);
  const nested = new Ours().writeEncoder(
    new Ours().writeInt32(1).writeEncoder(new Ours().writeBuffer(piece)),
  );
  piece.fill(8); // still the very memory that was given
  assert.equal(nested.buffer[50_000], 8);
  piece.fill(9);
  assert.equal(nested.buffer[50_000], 8);
});
