import type { History, LabelIntent, SentLabel } from './history.ts';

/** What Kafka holds of one model, each part in the order of the log. */
export interface Logs {
  readonly events: readonly {
    readonly id: string;
    readonly label: number;
    readonly labelSource: string;
    /** When its label was observed, of a joined event. */
    readonly labelledAtMs: number | null;
    readonly recordTimeMs: number;
  }[];
  readonly labels: readonly LoggedLabel[];
  readonly predictions: readonly { readonly id: string; readonly predictedAtMs: number }[];
}

/** A label as it stands on the log. */
export interface LoggedLabel {
  readonly predictionId: string;
  readonly source: string;
  readonly label: number;
  readonly observedAtMs: number;
}

/** Why a label that was acknowledged was not learned. */
export type CountedReason = 'second' | 'late' | 'unknown';

/** What became of everything that was acknowledged. */
export interface Judgement {
  readonly eventsAcknowledged: number;
  /** Event ids of clients that the log makes a learner apply, each counted as often as it is applied. */
  readonly eventsApplied: number;
  readonly eventsLost: number;
  readonly eventsDoubled: number;
  readonly labelsAcknowledged: number;
  readonly labelsJoined: number;
  readonly labelsCounted: Readonly<Record<CountedReason, number>>;
  readonly labelsLost: number;
  readonly labelsDoubled: number;
  /** Records of an id beyond its first, which the rule for duplicates passes over. */
  readonly repeatsOnLog: number;
  /** Examples that a learner which saw every record once has learned. */
  readonly examplesExpected: number;
  /** What is wrong, a sentence each, the first few of each kind. */
  readonly faults: readonly string[];
}

/** The stated rule: a repeat within so much record time of the time that is remembered is passed over. */
const DUPLICATE_WINDOW_MS = 600_000;
const SHOWN_MAX = 5;

/** Collects faults, a few of each kind in words. */
function faultList(): { add: (kind: string, detail: string) => void; sentences: () => string[] } {
  const found = new Map<string, string[]>();
  return {
    add(kind, detail) {
      found.set(kind, [...(found.get(kind) ?? []), detail]);
    },
    sentences: () =>
      [...found].map(([kind, details]) => {
        const more = details.length > SHOWN_MAX ? `, and ${String(details.length - SHOWN_MAX)} more` : '';
        return `${kind}: ${details.slice(0, SHOWN_MAX).join('; ')}${more}`;
      }),
  };
}

/** Returns how often each id is applied when its repeats within the window are passed over. */
function timesApplied(events: Logs['events']): Map<string, number> {
  const remembered = new Map<string, number>();
  const applied = new Map<string, number>();
  for (const { id, recordTimeMs } of events) {
    const known = remembered.get(id);
    if (known !== undefined && Math.abs(recordTimeMs - known) <= DUPLICATE_WINDOW_MS) continue;
    remembered.set(id, recordTimeMs);
    applied.set(id, (applied.get(id) ?? 0) + 1);
  }
  return applied;
}

function firstBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T> {
  const firsts = new Map<string, T>();
  for (const item of items) if (!firsts.has(keyOf(item))) firsts.set(keyOf(item), item);
  return firsts;
}

/** What a label of each intent has to have become. */
const EXPECTED: Readonly<Record<LabelIntent, CountedReason | 'joined'>> = {
  plain: 'joined',
  early: 'joined',
  second: 'second',
  late: 'late',
  unknown: 'unknown',
};

/**
 * Judges a history against the logs: what was acknowledged is there, nothing takes effect twice, and every label either
 * made the one example of its prediction or was passed over for a reason that the logs themselves show.
 */
export function judge(
  history: Pick<History, 'events' | 'labels' | 'predictions'>,
  logs: Logs,
  windowMs: number,
): Judgement {
  const faults = faultList();
  const applied = timesApplied(logs.events);
  const firstEvent = firstBy(logs.events, ({ id }) => id);
  const firstPrediction = firstBy(logs.predictions, ({ id }) => id);
  const firstLabel = firstBy(logs.labels, ({ predictionId }) => predictionId);
  const logged = new Set(logs.labels.map(({ source }) => source));

  for (const event of logs.events) {
    const first = firstEvent.get(event.id);
    if (first?.label !== event.label || first.labelledAtMs !== event.labelledAtMs)
      faults.add('repeats of an event differ', event.id);
  }

  let [eventsAcknowledged, eventsApplied, eventsLost, eventsDoubled] = [0, 0, 0, 0];
  for (const [id, isAcknowledged] of history.events) {
    const times = applied.get(id) ?? 0;
    eventsApplied += times;
    if (isAcknowledged) eventsAcknowledged += 1;
    if (isAcknowledged && times === 0) {
      eventsLost += 1;
      faults.add('an acknowledged event is not on the log', id);
    }
    if (times > 1) {
      eventsDoubled += 1;
      faults.add('an event takes effect more than once', id);
    }
  }

  /** Returns what the logs say became of a label: joined, or why not; undefined when they do not say. */
  function fateOf({ predictionId, source }: SentLabel): CountedReason | 'joined' | undefined {
    const event = firstEvent.get(predictionId);
    const winner = firstLabel.get(predictionId);
    const prediction = firstPrediction.get(predictionId);
    if (!logged.has(source)) return undefined;
    if (prediction === undefined) return event === undefined ? 'unknown' : undefined;
    if (winner === undefined) return undefined;
    if (winner.observedAtMs > prediction.predictedAtMs + windowMs)
      return event === undefined ? 'late' : undefined;
    if (event === undefined) return undefined;
    const isWinner = event.label === winner.label && event.labelledAtMs === winner.observedAtMs;
    if (!isWinner || event.labelSource !== 'label') return undefined;
    return winner.source === source ? 'joined' : 'second';
  }

  const labelsCounted = { second: 0, late: 0, unknown: 0 };
  let [labelsAcknowledged, labelsJoined, labelsLost, labelsDoubled] = [0, 0, 0, 0];
  for (const label of history.labels.values()) {
    if (label.isAcknowledged) labelsAcknowledged += 1;
    const fate = fateOf(label);
    if (fate === 'joined') {
      labelsJoined += 1;
      if ((applied.get(label.predictionId) ?? 0) > 1) {
        labelsDoubled += 1;
        faults.add('a label takes effect more than once', label.source);
      }
    } else if (fate !== undefined) labelsCounted[fate] += 1;
    if (label.isAcknowledged && fate !== EXPECTED[label.intent]) {
      labelsLost += 1;
      faults.add(
        'an acknowledged label is not what it has to be',
        `${label.source} (${label.intent}): ${fate ?? 'lost'}`,
      );
    }
  }
  for (const id of history.predictions)
    if (!firstPrediction.has(id)) faults.add('an answered prediction is not on the log', id);
  for (const id of firstEvent.keys()) {
    if (!history.events.has(id) && !firstLabel.has(id)) faults.add('an event that nobody sent', id);
  }
  return {
    eventsAcknowledged,
    eventsApplied,
    eventsLost,
    eventsDoubled,
    labelsAcknowledged,
    labelsJoined,
    labelsCounted,
    labelsLost,
    labelsDoubled,
    repeatsOnLog: logs.events.length - firstEvent.size,
    examplesExpected: [...applied.values()].reduce((sum, times) => sum + times, 0),
    faults: faults.sentences(),
  };
}
