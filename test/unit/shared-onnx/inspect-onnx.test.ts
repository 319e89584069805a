import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../shared/domain/rng.ts';
import { inspectOnnx } from '../../../shared/onnx/inspect-onnx.ts';
import { HOSTILE_FILES, hungryFile, logisticFile, lookUpFile } from '../../support/onnx-files.ts';
import { mutateBytes } from '../../verify/fuzz-router/mutate.ts';

/** Returns a protobuf field that is a message. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  const tag = number < 16 ? [(number << 3) | 2] : [((number << 3) & 127) | 130, number >> 4];
  return Buffer.from([...tag, ...length, ...bytes]);
}

test('a file is told by its nodes, inputs and outputs; what varies in a shape is null', () => {
  assert.deepEqual(inspectOnnx(logisticFile([1, 2, 3])), {
    nodes: 2,
    foreignOperators: [],
    externalTensors: [],
    strange: [],
    inputs: [{ name: 'X', type: 'float32', shape: [null, 3] }],
    outputs: [{ name: 'p', type: 'float32', shape: [null, 1] }],
  });
  const [colour] = inspectOnnx(lookUpFile({ red: 1 })).inputs;
  assert.deepEqual(colour, { name: 'colour', type: 'string', shape: [null, 1] });
});

test('a graph that stands twice, where readers differ in which they take, is looked at twice and called strange', () => {
  const node = Buffer.concat([field(4, Buffer.from('Shell')), field(7, Buffer.from('evil'))]);
  const twice = Buffer.concat([field(7, field(1, node)), logisticFile([1, 1])]);
  const { foreignOperators, strange } = inspectOnnx(twice);
  assert.deepEqual(foreignOperators, ['evil.Shell']);
  assert.deepEqual(strange, ['2 graphs, allowed one']);
});

test('functions of the file’s own and training steps are called strange', () => {
  const functions = Buffer.concat([logisticFile([1]), field(25, field(1, Buffer.from('mine')))]);
  assert.deepEqual(inspectOnnx(functions).strange, [
    'functions of its own (mine), allowed none: inline them',
  ]);
  const training = Buffer.concat([logisticFile([1]), field(20, Buffer.alloc(0))]);
  assert.deepEqual(inspectOnnx(training).strange, ['training steps, allowed none']);
});

test('whatever the bytes are, looking at them ends, with a description or an error', () => {
  const rng = createRng(11);
  const files = [
    logisticFile([1, 2]),
    hungryFile([1, 2]),
    lookUpFile({ red: 1, blue: 2 }),
    ...Object.entries(HOSTILE_FILES).flatMap(([name, make]) => (name === 'too many nodes' ? [] : [make()])),
  ];
  let described = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = mutateBytes(Buffer.from(files[rng.int(files.length)] ?? []), rng);
    try {
      assert.ok(inspectOnnx(bytes).nodes >= 0);
      described += 1;
    } catch (error) {
      assert.ok(error instanceof Error);
      assert.equal(error instanceof assert.AssertionError, false);
    }
  }
  assert.ok(described > 1000, String(described));
});
