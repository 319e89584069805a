import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { OutRecord } from '../../../services/router/ports.ts';
import { createStatusReporter } from '../../../services/router/status-reporter.ts';
import type { StatusReporter } from '../../../services/router/status-reporter.ts';
import type { RouterStatus } from '../../../shared/domain/events.ts';
import { silentLog } from '../../../shared/observability/log.ts';

function desk(): {
  reporter: StatusReporter;
  sent: OutRecord[];
  state: { planVersion: number; failure: Error | undefined };
} {
  const sent: OutRecord[] = [];
  const state = { planVersion: 1, failure: undefined as Error | undefined };
  const reporter = createStatusReporter({
    router: 'router-1',
    url: 'http://here',
    models: () => [{ model: 'clicks', planVersion: state.planVersion, versions: [] }],
    nowMs: () => 5,
    async send(records) {
      await turn();
      if (state.failure !== undefined) throw state.failure;
      sent.push(...records);
    },
    log: silentLog,
  });
  return { reporter, sent, state };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

const plansOf = (sent: readonly OutRecord[]): (number | undefined)[] =>
  sent.map(({ value }) => (value as RouterStatus | null)?.models[0]?.planVersion);

test('a report has the router as its key and what it holds now', async () => {
  const { reporter, sent } = desk();
  reporter.report();
  await settle();
  const value = {
    router: 'router-1',
    atMs: 5,
    url: 'http://here',
    models: [{ model: 'clicks', planVersion: 1, versions: [] }],
  };
  assert.deepEqual(sent, [{ topic: 'router-status.v1', key: 'router-1', partition: 0, value }]);
});

test('changes while a report is under way make one more report', async () => {
  const { reporter, sent, state } = desk();
  reporter.report();
  state.planVersion = 2;
  reporter.report();
  state.planVersion = 3;
  reporter.report();
  await settle();
  assert.deepEqual(plansOf(sent), [1, 3]);
});

test('a report that fails is left to the next one', async () => {
  const { reporter, sent, state } = desk();
  state.failure = new Error('away');
  reporter.report();
  await settle();
  state.failure = undefined;
  reporter.report();
  await settle();
  assert.deepEqual(plansOf(sent), [1]);
});

test('leaving while Kafka is away is no failure', async () => {
  const { reporter, state } = desk();
  state.failure = new Error('away');
  await reporter.leave();
});

test('leaving sends a tombstone after everything else, and nothing is reported any more', async () => {
  const { reporter, sent } = desk();
  reporter.report();
  await reporter.leave();
  reporter.report();
  await settle();
  assert.deepEqual(
    sent.map(({ value }) => value === null),
    [false, true],
  );
});
