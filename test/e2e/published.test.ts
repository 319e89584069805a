import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { hangingFile, HOSTILE_FILES, hungryFile, logisticFile } from '../support/onnx-files.ts';
import { rolloutClient } from '../support/rollouts.ts';
import { learnerState, serveSmallModel, smallEvent, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { exportedModel, trained } from '../support/trained-models.ts';
import type { TrainedModel } from '../support/trained-models.ts';
import { openVerdictWriter } from '../support/verdicts.ts';
import type { VerdictWriter } from '../support/verdicts.ts';

let verdicts: VerdictWriter | undefined;
/** No monitor: a test writes its verdicts, so that it says when. */
const system = useSystem({
  instances: { monitor: 0 },
  env: {
    STATUS_INTERVAL_MS: '500',
    PUBLISHED_MEMORY_MB: '256',
    PUBLISHED_RUN_MS: '2000',
    CACHE_INTERVAL_MS: '300',
    CACHE_AFTER_MS: '1000',
  },
  prepare: async (started) => {
    verdicts = await openVerdictWriter(started);
  },
});
after(() => verdicts?.close());

const SIGNATURE = {
  inputs: [{ name: 'X', features: ['size', 'isNew'] }],
  output: { name: 'p', column: 0 },
};
const QUICK = { rollout: { holdMinMs: 0, stepsBp: [5000, 10_000] } };
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

interface Answered {
  readonly version: number;
  readonly score: number;
  readonly snapshotPosition: number;
  readonly learnedToMs: number | null;
  readonly stalenessMs: number;
}

async function publish(model: string, body: object): Promise<{ status: number; body: unknown }> {
  return system.http.send('POST', `${system.url('registry')}/v1/models/${model}/versions/published`, body);
}

async function published(model: string, file: Uint8Array): Promise<number> {
  const { status, body } = await publish(model, {
    onnx: Buffer.from(file).toString('base64'),
    signature: SIGNATURE,
  });
  assert.equal(status, 201, JSON.stringify(body));
  const { version, mode, life } = body as { version: number; mode: string; life: string };
  assert.deepEqual([mode, life], ['published', 'live']);
  return version;
}

function ask(model: string, version: string, features: object): Promise<{ status: number; body: unknown }> {
  return system.http.send(
    'POST',
    `${system.url('router')}/v1/models/${model}/predict`,
    { subject: 'ada', features },
    { 'headrace-version': version },
  );
}

function untilAnswered(model: string, version: number, features: object): Promise<Answered> {
  return waitUntil(
    async () => {
      const { status, body } = await ask(model, String(version), features);
      if (status !== 200) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
      return body as Answered;
    },
    { what: `version ${String(version)} of ${model} to answer`, limitMs: 20_000, everyMs: 50 },
  );
}

async function learn(model: string, from: number, count: number): Promise<void> {
  const batch = Array.from({ length: count }, (_, i) => smallEvent(from + i));
  const url = `${system.url('ingest')}/v1/models/${model}/events`;
  assert.equal((await system.http.send('POST', url, batch)).status, 202);
  await untilLearned(system, model, from + count);
}

test('a published file is served, shadowed and rolled out next to a learning stable version, and outlives a router', async () => {
  const model = 'from-elsewhere';
  await serveSmallModel(system, model, QUICK);
  await learn(model, 0, 100);
  const version = await published(model, logisticFile([2, -1]));
  assert.equal(version, 2);
  const answered = await untilAnswered(model, version, { size: 0.5, isNew: true });
  assert.ok(Math.abs(answered.score - sigmoid(0)) < 1e-6);
  assert.deepEqual(
    [answered.version, answered.snapshotPosition, answered.learnedToMs],
    [2, -1, null],
    'it has seen nothing of the log',
  );
  assert.ok(answered.stalenessMs >= 0, 'since it was published');

  assert.ok(verdicts !== undefined);
  const client = rolloutClient(system, model);
  const { rollout, traffic } = await client.start(version);
  assert.deepEqual([rollout.phase, traffic.shadows], ['shadow', [2]], 'there is nothing to warm up');
  const phases: string[] = [];
  for (let stages = 0; stages < 3; stages += 1) {
    const { rollout: next } = await client.promote(verdicts);
    phases.push(`${next.phase} ${String(next.step)}`);
    await learn(model, 100 + stages * 20, 20);
  }
  assert.deepEqual(phases, ['canary 0', 'canary 1', 'full 1']);
  const served = await untilAnswered(model, version, { size: 1, isNew: false });
  assert.ok(Math.abs(served.score - sigmoid(2)) < 1e-6);
  const { versions } = await learnerState(system, model);
  assert.deepEqual(
    versions.map((one) => [one.version, one.examplesLearned]),
    [[1, 160]],
    'the old stable learns on, the file does not learn',
  );

  const router = system.fleet.one('router');
  await router.kill();
  await router.start();
  await router.untilReady();
  assert.equal((await ask(model, 'stable', { size: 1, isNew: false })).status, 200);

  assert.equal((await client.command('undo')).traffic.stable, 1);
  const retired = await system.http.send(
    'POST',
    `${system.url('registry')}/v1/models/${model}/versions/2/retire`,
    {},
  );
  assert.equal(retired.status, 200, JSON.stringify(retired.body));
  assert.equal((await ask(model, 'stable', { size: 1, isNew: false })).status, 200);
});

test('a file that takes too much memory while it serves fails alone, and is served again', async () => {
  const model = 'hungry';
  await serveSmallModel(system, model, QUICK);
  const version = await published(model, hungryFile([1, 1]));
  await untilAnswered(model, version, { size: 0, isNew: false });
  const pid = system.fleet.one('router').pid();
  const { status, body } = await ask(model, String(version), { size: 4, isNew: false });
  assert.equal(status, 503, JSON.stringify(body));
  assert.equal((await ask(model, 'stable', { size: 4, isNew: false })).status, 200);
  await untilAnswered(model, version, { size: 0, isNew: false });
  assert.equal(system.fleet.one('router').pid(), pid);
});

test('a run of a file that never ends is ended with its process, and meanwhile stable answers, in order', async () => {
  const model = 'hanging';
  await serveSmallModel(system, model, QUICK);
  await learn(model, 0, 20);
  const version = await published(model, hangingFile([1, 1]));
  await untilAnswered(model, version, { size: 0, isNew: false });
  let hasHung = false;
  const hanging = ask(model, String(version), { size: 4, isNew: false }).finally(() => (hasHung = true));
  const ids = Array.from({ length: 300 }, (_, line) => `line-${String(line)}`);
  const lines = ids.map((id) => JSON.stringify({ id, subject: id, features: { size: 4, isNew: false } }));
  const url = `${system.url('router')}/v1/models/${model}/predict`;
  const bulk = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  const answers = (await bulk.text()).trim().split('\n');
  assert.equal(hasHung, false, 'nobody waited for it');
  const parsed = answers.map((line) => JSON.parse(line) as { predictionId: string; version: number });
  assert.deepEqual(
    parsed.map(({ predictionId, version: by }) => [predictionId.replace(/^.*(?=line-)/, ''), by]),
    ids.map((id) => [id, 1]),
  );
  const { status, body } = await hanging;
  assert.equal(status, 503, JSON.stringify(body));
  await untilAnswered(model, version, { size: 0, isNew: false });
  const log = await readFile(system.fleet.one('router').logFile, 'utf8');
  assert.match(log, /it has not answered within 2000 ms/);
});

test('a file that must not be served is refused with everything that is wrong, and nothing is recorded', async () => {
  const model = 'hostile';
  await serveSmallModel(system, model);
  const file = HOSTILE_FILES['too many nodes']?.() ?? new Uint8Array();
  const refused = await publish(model, { onnx: Buffer.from(file).toString('base64'), signature: SIGNATURE });
  assert.equal(refused.status, 422);
  assert.deepEqual((refused.body as { errors: object[] }).errors, [
    { field: 'onnx', message: '10002 nodes, allowed 4096' },
  ]);
  const noText = await publish(model, { onnx: 'not base64!', signature: SIGNATURE });
  assert.deepEqual((noText.body as { errors: object[] }).errors, [
    { field: 'onnx', message: '"not base64!"… is not base64' },
  ]);
  const list = await system.http.send('GET', `${system.url('registry')}/v1/models/${model}/versions`);
  assert.equal((list.body as { versions: object[] }).versions.length, 1);
});

/** Publishes a model and holds every score of it to what the library that made it says. */
async function scoresAsItsMaker(
  model: string,
  { probabilities, ...body }: TrainedModel,
  rows: readonly object[],
): Promise<void> {
  const { status, body: made } = await publish(model, body);
  assert.equal(status, 201, JSON.stringify(made));
  const { version } = made as { version: number };
  for (const [row, features] of rows.entries()) {
    const { score } = await untilAnswered(model, version, features);
    assert.ok(
      Math.abs(score - (probabilities[row] ?? NaN)) < 1e-5,
      `row ${String(row)} of version ${String(version)}`,
    );
  }
}

for (const by of ['keras', 'torch'] as const)
  test(`a file exported by ${by} scores as ${by} does`, async () => {
    const model = `learned-by-${by}`;
    await serveSmallModel(system, model);
    const { rows, ...exported } = exportedModel(by);
    await scoresAsItsMaker(model, exported, rows);
  });

test('files of scikit-learn and LightGBM score as these do: trees over one tensor, a pipeline over a tensor a column', async (t) => {
  const python = await trained((line) => {
    t.diagnostic(line);
  });
  if (python === undefined) {
    t.skip('scikit-learn and LightGBM could not be installed from PyPI');
    return;
  }
  const model = 'learned-in-python';
  await serveSmallModel(system, model);
  for (const one of [python.forest, python.boosted, python.mixed])
    await scoresAsItsMaker(model, one, python.rows);
  const { onnx, outputs } = python.sequences;
  const signature = { inputs: [{ name: 'X', features: ['size', 'isNew'] }], output: { name: outputs[1] } };
  const refused = await publish(model, { onnx, signature });
  assert.match(
    JSON.stringify(refused.body),
    /is sequence, allowed float32 or float64 \(export classifiers with zipmap off\)/,
  );
});

test('a router that starts without Kafka serves a published stable version from its disk, in a sandbox', async () => {
  const model = 'kept';
  await serveSmallModel(system, model, QUICK);
  const version = await published(model, logisticFile([2, -1]));
  await untilAnswered(model, version, { size: 1, isNew: false });
  const url = `${system.url('registry')}/v1/models/${model}/versions/${String(version)}`;
  assert.equal((await system.http.send('POST', `${url}/approve`, {})).status, 200);
  await system.operator(model).setTraffic({ stable: version });
  const dir = join(system.dataDir, 'router');
  await waitUntil(
    async () => {
      const { body } = await ask(model, 'stable', { size: 1, isNew: false });
      assert.equal((body as Answered).version, version);
      const kept = await readFile(join(dir, 'serving', `${model}.cache`), 'latin1');
      assert.ok(kept.includes(`"stable":${String(version)}`), 'its plan is on the disk');
    },
    { what: 'the plan to be on the disk', limitMs: 20_000 },
  );
  const router = system.fleet.one('router');
  await system.stack.killComponent('kafka');
  try {
    await router.kill();
    await router.start();
    const answered = await untilAnswered(model, version, { size: 1, isNew: false });
    assert.ok(Math.abs(answered.score - sigmoid(2)) < 1e-6);
    const stable = await ask(model, 'stable', { size: 1, isNew: false });
    assert.equal((stable.body as Answered).version, version);
    const readiness = await system.http.send('GET', `${router.url}/readyz`);
    assert.equal((readiness.body as { servingFrom: string }).servingFrom, 'cache');
  } finally {
    await system.stack.startComponent('kafka');
  }
});
