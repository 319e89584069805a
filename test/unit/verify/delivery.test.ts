import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planFaults, VICTIMS } from '../../verify/delivery/fault-plan.ts';
import { newHistory } from '../../verify/delivery/history.ts';
import type { History, LabelIntent } from '../../verify/delivery/history.ts';
import { judge } from '../../verify/delivery/judge.ts';
import type { Logs } from '../../verify/delivery/judge.ts';

const WINDOW_MS = 1000;
const MINUTE_MS = 60_000;

type Mutable = { -readonly [Part in keyof Logs]: Logs[Part][number][] };

/** A history and logs on which everything holds: an event, and a label of each kind. */
function soundCase(): { history: History; logs: Mutable } {
  const history = newHistory();
  history.events.set('e-1', true);
  const label = (predictionId: string, source: string, intent: LabelIntent, value: number): void => {
    history.labels.set(source, { predictionId, source, intent, label: value, isAcknowledged: true });
  };
  label('0~a', 'a', 'plain', 1);
  label('0~a', 'a-again', 'second', 0);
  label('0~b', 'b', 'late', 1);
  label('0~c', 'c', 'unknown', 1);
  history.predictions.add('0~a').add('0~b');
  const direct = { id: 'e-1', label: 1, labelSource: 'event', labelledAtMs: null, recordTimeMs: 5 };
  const joined = { id: '0~a', label: 1, labelSource: 'label', labelledAtMs: 20, recordTimeMs: 30 };
  return {
    history,
    logs: {
      events: [direct, joined],
      labels: [
        { predictionId: '0~a', source: 'a', label: 1, observedAtMs: 20 },
        { predictionId: '0~a', source: 'a-again', label: 0, observedAtMs: 25 },
        { predictionId: '0~b', source: 'b', label: 1, observedAtMs: 5000 },
        { predictionId: '0~c', source: 'c', label: 1, observedAtMs: 26 },
      ],
      predictions: [
        { id: '0~a', predictedAtMs: 10 },
        { id: '0~b', predictedAtMs: 10 },
      ],
    },
  };
}

function faultsOf(change: (logs: Mutable, history: History) => void): string {
  const { history, logs } = soundCase();
  change(logs, history);
  return judge(history, logs, WINDOW_MS).faults.join('\n');
}

describe('the judge', () => {
  test('finds nothing wrong where every label was joined or passed over for a reason on the logs', () => {
    const { history, logs } = soundCase();
    const { faults, ...figures } = judge(history, logs, WINDOW_MS);
    assert.deepEqual(faults, []);
    assert.deepEqual(figures, {
      eventsAcknowledged: 1,
      eventsApplied: 1,
      eventsLost: 0,
      eventsDoubled: 0,
      labelsAcknowledged: 4,
      labelsJoined: 1,
      labelsCounted: { second: 1, late: 1, unknown: 1 },
      labelsLost: 0,
      labelsDoubled: 0,
      repeatsOnLog: 0,
      examplesExpected: 2,
    });
  });

  test('passes over a repeat within ten minutes, and finds one beyond them in effect twice', () => {
    const again = (afterMs: number) => (logs: Mutable) => {
      for (const event of [...logs.events])
        logs.events.push({ ...event, recordTimeMs: event.recordTimeMs + afterMs });
    };
    assert.equal(faultsOf(again(10 * MINUTE_MS)), '');
    assert.match(faultsOf(again(11 * MINUTE_MS)), /event takes effect more than once: e-1\n.*label .*: a$/m);
  });

  test('finds an acknowledged event that is not on the log, and asks nothing of one that is not acknowledged', () => {
    const lose = (logs: Mutable): unknown => logs.events.shift();
    assert.match(faultsOf(lose), /acknowledged event is not on the log: e-1/);
    assert.equal(
      faultsOf((logs, history) => {
        lose(logs);
        history.events.set('e-1', false);
      }),
      '',
    );
  });

  test('finds an acknowledged label that was not joined, or is not on the log', () => {
    assert.match(
      faultsOf((logs) => logs.events.pop()),
      /a \(plain\): lost/,
    );
    assert.match(
      faultsOf((logs) => logs.labels.pop()),
      /c \(unknown\): lost/,
    );
  });

  test('finds a second label that won, a late one that was joined, and a default in the place of a label', () => {
    const replace = (more: object) => (logs: Mutable) => {
      const [direct, joined] = logs.events;
      if (direct !== undefined && joined !== undefined) logs.events = [direct, { ...joined, ...more }];
    };
    assert.match(faultsOf(replace({ label: 0, labelledAtMs: 25 })), /a \(plain\): lost/);
    assert.match(faultsOf(replace({ labelSource: 'default', labelledAtMs: null })), /a \(plain\): lost/);
    const late = { id: '0~b', label: 1, labelSource: 'label', labelledAtMs: 5000, recordTimeMs: 30 };
    assert.match(
      faultsOf((logs) => logs.events.push(late)),
      /b \(late\): lost/,
    );
  });

  test('finds repeats that differ, events nobody sent, and answered predictions that are not on the log', () => {
    const other = { id: 'e-1', label: 0, labelSource: 'event', labelledAtMs: null, recordTimeMs: 6 };
    assert.match(
      faultsOf((logs) => logs.events.push(other)),
      /repeats of an event differ: e-1/,
    );
    assert.match(
      faultsOf((logs) => logs.events.push({ ...other, id: 'x' })),
      /event that nobody sent: x/,
    );
    assert.match(
      faultsOf((_logs, history) => history.predictions.add('0~z')),
      /answered prediction is not on the log: 0~z/,
    );
  });
});

describe('a plan of faults', () => {
  test('is a function of its seed and has as many faults as asked for', () => {
    for (const count of [4, 20, 2000]) {
      const plan = planFaults(7, count);
      assert.deepEqual(plan, planFaults(7, count));
      assert.equal(plan.kills.length + plan.linkFaults.length, count);
    }
    assert.notDeepEqual(planFaults(1, 50), planFaults(2, 50));
  });

  test('kills everything at least once and is about a twentieth kills', () => {
    const killed = new Set(planFaults(3, 20).kills.map(({ victim }) => victim));
    assert.deepEqual([...killed].sort(), [...VICTIMS].sort());
    assert.equal(planFaults(3, 2000).kills.length, 100);
  });
});
