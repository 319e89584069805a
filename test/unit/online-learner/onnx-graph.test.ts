import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession } from 'onnxruntime-node';
import { buildOnnxGraph, buildPortableOnnx } from '../../../shared/onnx/scoring-graph.ts';
import { streamConfig } from './synthetic-stream.ts';

const SIZE = 2 ** streamConfig.tableBits + 1;

test('a graph takes indices, values and weights and answers scores', async () => {
  const session = await InferenceSession.create(buildOnnxGraph(streamConfig, 7));
  assert.deepEqual(session.inputNames, ['indices', 'values', 'weights']);
  assert.deepEqual(session.outputNames, ['scores']);
  const shapes = session.inputMetadata.map((input) => (input.isTensor ? [input.type, input.shape] : []));
  assert.deepEqual(shapes, [
    ['int32', ['N', 7]],
    ['float32', ['N', 7]],
    ['float32', [SIZE]],
  ]);
  await session.release();
});

test('a portable file needs no weights', async () => {
  const session = await InferenceSession.create(buildPortableOnnx(streamConfig, 7, new Float32Array(SIZE)));
  assert.deepEqual(session.inputNames, ['indices', 'values']);
  await session.release();
});

test('a portable file of the wrong number of weights is refused', () => {
  assert.throws(() => buildPortableOnnx(streamConfig, 7, new Float32Array(5)), /5 weights, allowed 4097/);
});

test('the same config gives the same bytes', () => {
  assert.deepEqual(buildOnnxGraph(streamConfig, 7), buildOnnxGraph(streamConfig, 7));
});
