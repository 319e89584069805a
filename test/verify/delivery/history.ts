/** What a client means a label to be; what it was is judged from the logs. */
export type LabelIntent = 'plain' | 'early' | 'second' | 'late' | 'unknown';

/** One label of a client, however often it was sent. */
export interface SentLabel {
  readonly predictionId: string;
  /** Its own name, the same in every try: it travels as the label's source. */
  readonly source: string;
  readonly intent: LabelIntent;
  readonly label: number;
  isAcknowledged: boolean;
}

/** Everything that clients did and were told. */
export interface History {
  /** Whether each event id was acknowledged. */
  readonly events: Map<string, boolean>;
  readonly labels: Map<string, SentLabel>;
  /** Ids of predictions that were answered. */
  readonly predictions: Set<string>;
  /** Requests to ingest begun, and those repeated. */
  requests: number;
  retries: number;
  /** Requests that were given up because no answer came in time. */
  timeouts: number;
  /** Requests under way. */
  inFlight: number;
  /** What should never have been answered. */
  readonly refused: string[];
}

/** Returns a history in which nothing has happened. */
export function newHistory(): History {
  return {
    events: new Map(),
    labels: new Map(),
    predictions: new Set(),
    requests: 0,
    retries: 0,
    timeouts: 0,
    inFlight: 0,
    refused: [],
  };
}

/** Returns how many of a history's events and labels were acknowledged. */
export function acknowledgedOf({ events, labels }: History): { events: number; labels: number } {
  let [eventCount, labelCount] = [0, 0];
  for (const isAcknowledged of events.values()) eventCount += isAcknowledged ? 1 : 0;
  for (const { isAcknowledged } of labels.values()) labelCount += isAcknowledged ? 1 : 0;
  return { events: eventCount, labels: labelCount };
}
