import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestStreams } from '../../../services/monitor/domain/request-streams.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';

const BATCH = 20;

/** Takes the requests of one run of each version. */
function takeRun(streams: RequestStreams, candidateMicros: number, baselineMicros: number): void {
  const score = (version: number, scoringMicros: number): object => ({
    version,
    score: 0.5,
    scoringMicros,
    failed: false,
  });
  for (let row = 0; row < BATCH; row += 1)
    streams.take({
      candidate: score(2, candidateMicros) as never,
      baseline: score(1, baselineMicros) as never,
      candidateAgeMs: -1,
    });
}

const slowness = (streams: RequestStreams): { count: number; maxLogE: number } => {
  const stream = streams.streams.find(({ spec }) => spec.name === 'slowness');
  const evidence = stream?.evidence({ rollbackLogE: 4.6, promoteLogE: 3 }, 0.05);
  return { count: evidence?.count ?? 0, maxLogE: evidence?.rollback?.maxLogE ?? 0 };
};

test('one pause in a run of many requests is one slow run, and no reason to roll back', () => {
  const streams = new RequestStreams(DEFAULT_ROLLOUT_POLICY.guards);
  for (let run = 0; run < 400; run += 1) takeRun(streams, 200 + (run % 7), 200 + (run % 5));
  const before = slowness(streams);
  takeRun(streams, 50_000, 200);
  const after = slowness(streams);
  assert.equal(after.count, before.count + 1);
  assert.ok(after.maxLogE < 2, `log e-value ${String(after.maxLogE)}`);
});

test('a candidate whose every run is slow is rolled back', () => {
  const streams = new RequestStreams(DEFAULT_ROLLOUT_POLICY.guards);
  for (let run = 0; run < 400; run += 1) takeRun(streams, 200 + (run % 7), 200 + (run % 5));
  for (let run = 0; run < 60; run += 1) takeRun(streams, 900 + (run % 7), 200 + (run % 5));
  assert.ok(slowness(streams).maxLogE > 4.6);
});
