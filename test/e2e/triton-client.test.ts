import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../deploy/local/run-command.ts';
import { messageOf } from '../../shared/errors.ts';
import { pythonWith } from '../support/python-environment.ts';
import { serveSmallModel } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';

const PACKAGES = ['tritonclient[http,grpc]==2.73.0'];

const system = useSystem({
  instances: { 'online-learner': 1, registry: 1, router: 1, ingest: 0, monitor: 0 },
});

interface Rows {
  readonly score: readonly number[];
  readonly version: readonly number[];
  readonly arm: readonly string[];
  readonly snapshot_position: readonly number[];
  readonly staleness_ms: readonly number[];
  readonly prediction_id: readonly string[];
}

/** What the script in Python was answered over one transport. */
interface Told {
  readonly live: boolean;
  readonly ready: boolean;
  readonly modelReady: boolean;
  readonly versionReady: boolean;
  readonly server: string;
  readonly inputs: readonly string[];
  readonly binary: Rows;
  readonly pinned: Rows;
  readonly refusal: string | null;
}

/** Returns a Python with the client; undefined, with the reason said, where it cannot be installed. */
async function tritonPython(say: (line: string) => void): Promise<string | undefined> {
  try {
    return await pythonWith('triton-client', PACKAGES);
  } catch (error) {
    say(messageOf(error));
    return undefined;
  }
}

test('tritonclient is answered alike over HTTP, with binary tensors and JSON, and over gRPC', async (t) => {
  const python = await tritonPython((line) => t.diagnostic(line));
  if (python === undefined) {
    t.skip('tritonclient could not be installed from PyPI');
    return;
  }
  await serveSmallModel(system, 'asked');
  const router = system.fleet.one('router');
  const output = await runCommand({
    command: python,
    args: [
      join(import.meta.dirname, 'triton_client.py'),
      router.url.replace('http://', ''),
      router.grpcAddress,
      'asked',
    ],
  });
  const told = JSON.parse(output.trim().split('\n').at(-1) ?? '') as {
    http: Told;
    grpc: Told;
    json: { id: string; score: readonly number[]; arm: readonly string[] };
  };
  for (const { binary, pinned, refusal, ...rest } of [told.http, told.grpc]) {
    assert.deepEqual(rest, {
      live: true,
      ready: true,
      modelReady: true,
      versionReady: true,
      server: 'headrace-router',
      inputs: ['colour', 'size', 'isNew', 'subject'],
    });
    for (const rows of [binary, pinned]) {
      assert.ok(rows.score.every((score) => score === 0.5)); // nothing learned yet
      assert.deepEqual(
        [rows.version, rows.arm],
        [
          [1, 1],
          ['stable', 'stable'],
        ],
      );
      assert.ok(rows.snapshot_position.every((position) => position >= 0));
      assert.ok(rows.staleness_ms.every((ms) => ms >= 0));
      assert.ok(rows.prediction_id.every((id) => /^0~./.test(id)));
    }
    assert.match(refusal ?? '', /model nothing does not exist/);
  }
  assert.deepEqual(told.json, { id: 'r2', score: [0.5, 0.5], arm: ['stable', 'stable'] });
});
