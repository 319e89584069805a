import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublishedChecks } from '../../../services/registry/adapters/published-checks.ts';
import { parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { HOSTILE_FILES, logisticFile } from '../../support/onnx-files.ts';

const MEMORY_MB = 256;
const STEP_MS = 3000;
const check = createPublishedChecks({ fileBytesMax: 1_000_000, memoryMb: MEMORY_MB, stepMs: STEP_MS });
const SIGNATURE = {
  inputs: [{ name: 'X', features: ['size', 'isNew'] }],
  output: { name: 'p', column: 0 },
};

function spec(): ModelSpec {
  const parsed = parseModelSpec(
    JSON.stringify({
      name: 'checked',
      features: [
        { name: 'colour', type: 'categorical' },
        { name: 'size', type: 'numeric' },
        { name: 'isNew', type: 'boolean' },
      ],
    }),
  );
  assert.ok(parsed.ok);
  return parsed.value;
}

async function faultsOf(file: Uint8Array, signature = SIGNATURE, probe?: unknown): Promise<string[]> {
  const checked = await check(spec(), { file, signature, probe });
  return checked.ok ? [] : checked.faults.map(({ field, message }) => `${field}: ${message}`);
}

test('a sound file is recorded with its digest, the types of its inputs and what its probe scored', async () => {
  const file = logisticFile([2, -1]);
  const probe = { size: 1, isNew: true };
  const checked = await check(spec(), { file, signature: SIGNATURE, probe });
  assert.ok(checked.ok);
  const { probe: tried, ...value } = checked.value;
  assert.deepEqual(value, {
    digest: sha256Hex([file]),
    sizeBytes: file.length,
    inputs: [{ name: 'X', type: 'float32', features: ['size', 'isNew'] }],
    output: { name: 'p', column: 0 },
  });
  assert.deepEqual(tried.row, [null, 1, true]);
  assert.ok(Math.abs(tried.score - 1 / (1 + Math.exp(-1))) < 1e-6);
});

const SAID: Readonly<Record<string, RegExp>> = {
  'external data': /^onnx: tensor "weights" has its values in another file, allowed in this one$/,
  'another domain':
    /^onnx: operator com\.microsoft\.MatMul, allowed those of the domains ai\.onnx and ai\.onnx\.ml$/,
  'another domain, in a graph inside a node': /^onnx: operator evil\.Shell, allowed/,
  'too many nodes': /^onnx: 10002 nodes, allowed 4096$/,
  'another shape': /^signature\.inputs\.0: "X" has shape \[N, 3\], allowed \[N, 2\] for 2 features$/,
  'one row at a time': /^signature\.inputs\.0: "X" has shape \[1, 2\], allowed \[N, 2\] for 2 features$/,
  'not a number': /^probe: scores NaN, allowed a probability in \[0, 1\]$/,
  'no probability': /^probe: scores 2\.71828\d*, allowed a probability in \[0, 1\]$/,
  'half a file': /^onnx: cannot be served: /,
  'no file': /^onnx: cannot be served: /,
  'six gigabytes': /^onnx: cannot be served: .*(memory|alloc)/i,
  'no end': /^onnx: cannot be served: it has not answered within 3000 ms$/,
};

for (const [name, make] of Object.entries(HOSTILE_FILES)) {
  test(`a file is refused, naming value and limit: ${name}`, async () => {
    const faults = await faultsOf(make());
    assert.match(faults.join('\n'), SAID[name] ?? /^nothing is known of it$/);
  });
}

test('what a signature says must fit the file and the spec, and every fault is told at once', async () => {
  const signature = {
    inputs: [
      { name: 'X', features: ['colour', 'weight'] },
      { name: 'Y', features: ['size'] },
    ],
    output: { name: 'p', column: 1 },
  };
  assert.deepEqual(await faultsOf(logisticFile([1, 1]), signature, { size: 'large' }), [
    'signature.inputs.0.features.0: "colour" is categorical, allowed numeric or boolean in a float32 tensor',
    'signature.inputs.0.features.1: "weight" is not a feature of the model',
    'signature.inputs.1.name: "Y", allowed "X"',
    'signature.output.column: 1, allowed 0 … 0',
    'probe.size: string "large", allowed a finite number',
  ]);
});

test('an input that the signature leaves out, and a file beyond the limit, are refused', async () => {
  const signature = { ...SIGNATURE, inputs: [{ name: 'Z', features: ['size'] }] };
  assert.deepEqual(await faultsOf(logisticFile([1, 1]), signature), [
    'signature.inputs: does not say what input "X" of the graph is given',
    'signature.inputs.0.name: "Z", allowed "X"',
  ]);
  const large = logisticFile(Array.from({ length: 300_000 }, () => 0));
  assert.deepEqual(await faultsOf(large), [`onnx: ${String(large.length)} bytes, allowed 1 … 1000000`]);
});
