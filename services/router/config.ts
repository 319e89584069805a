import { Type } from 'typebox';
import type { Static } from 'typebox';
import { commonSettings, portSetting, traceSettings } from '../../shared/config/load-config.ts';
import { INJECT_FAILURES_PATTERN, SPOILINGS } from './domain/injected-failures.ts';

/** Settings of router. */
export const routerSettings = Type.Object({
  ...commonSettings,
  ...traceSettings,
  HTTP_PORT: portSetting(8080),
  ADVERTISED_URL: Type.String({
    default: '',
    maxLength: 512,
    description: 'Where clients reach this router, for its status. Empty means HTTP_HOST and HTTP_PORT.',
  }),
  GRPC_PORT: Type.Integer({
    default: 8086,
    minimum: -1,
    maximum: 65_535,
    description: 'Port of HTTP_HOST to listen on for gRPC; -1 for none.',
  }),
  PREDICT_BODY_BYTES: Type.Integer({
    default: 65_536,
    minimum: 1024,
    maximum: 16_777_216,
    description: 'Largest body of a prediction request, and longest line of one in bulk, bytes.',
  }),
  BULK_LINES_MAX: Type.Integer({
    default: 256,
    minimum: 1,
    maximum: 65_536,
    description: 'Most lines of one bulk request that are under way at a time.',
  }),
  REQUEST_TIMEOUT_MS: Type.Integer({
    default: 600_000,
    minimum: 1000,
    maximum: 86_400_000,
    description:
      'How long a client may take to send a request, ms. One in bulk is read no faster than its answers are.',
  }),
  INFER_BODY_BYTES: Type.Integer({
    default: 1_048_576,
    minimum: 1024,
    maximum: 67_108_864,
    description: 'Largest body of an Open Inference Protocol request, and largest gRPC message, bytes.',
  }),
  INFER_ROWS_MAX: Type.Integer({
    default: 1024,
    minimum: 1,
    maximum: 100_000,
    description: 'Most rows of one Open Inference Protocol request.',
  }),
  ROWS_IN_HAND_MAX: Type.Integer({
    default: 256,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Most rows of Open Inference Protocol requests that are worked on at a time; further requests wait as they came.',
  }),
  RUN_ROWS_MAX: Type.Integer({
    default: 256,
    minimum: 1,
    maximum: 65_536,
    description: 'Most rows scored in one run.',
  }),
  SCORER: Type.Enum(['auto', 'onnx'], {
    default: 'auto',
    description:
      'What scores: auto takes plain arrays for graphs of our linear learner after comparing them with ONNX Runtime bit by bit, and ONNX Runtime for all others; onnx takes it for everything.',
  }),
  PARITY_EVERY: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 1_000_000,
    description: 'Every how many applied snapshots of a version its golden rows are scored again.',
  }),
  SCORING_BUDGET_MS: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 60_000,
    description:
      'The most that a scoring run of a version other than stable may take, ms; beyond it the run has failed, and after five in a row the version is left alone for 10 s.',
  }),
  SCORING_MEMORY_BYTES: Type.Integer({
    default: 2_097_152,
    minimum: 65_536,
    maximum: 1_073_741_824,
    description:
      'The most memory that a scoring run of a version other than stable may take of this process, bytes; beyond it the run has failed, and after five in a row the version is left alone for 10 s.',
  }),
  PUBLISHED_MEMORY_MB: Type.Integer({
    default: 1024,
    minimum: 192,
    maximum: 65_536,
    description: 'Most resident memory of the process that runs a published file, one a version, MiB.',
  }),
  PUBLISHED_LOAD_MS: Type.Integer({
    default: 60_000,
    minimum: 1000,
    maximum: 600_000,
    description: 'The most that loading a published file may take, ms.',
  }),
  PUBLISHED_RUN_MS: Type.Integer({
    default: 5000,
    minimum: 10,
    maximum: 600_000,
    description:
      'The most that a run of a published file may take, ms; beyond it its process is ended and another one started.',
  }),
  PREDICTION_LOG_BYTES: Type.Integer({
    default: 33_554_432,
    minimum: 65_536,
    maximum: 17_179_869_184,
    description:
      'Predictions that may wait for Kafka, bytes; beyond it they are answered and not logged, and counted.',
  }),
  PREDICTION_RECORD_ITEMS: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 10_000,
    description: 'Most predictions of one record.',
  }),
  PREDICTION_RECORD_BYTES: Type.Integer({
    default: 1_048_576,
    minimum: 65_536,
    maximum: 3_145_728,
    description: 'About how large one record of predictions may become, bytes.',
  }),
  PREDICTION_GATHER_MS: Type.Integer({
    default: 25,
    minimum: 0,
    maximum: 1000,
    description:
      'For how long predictions are gathered for one record, ms; a router that is killed loses them. Models whose answers wait for the log gather for no time.',
  }),
  FLUSH_TIMEOUT_MS: Type.Integer({
    default: 5000,
    minimum: 0,
    maximum: 120_000,
    description: 'How long a graceful stop waits for predictions to be written, ms.',
  }),
  LISTEN_GRACE_MS: Type.Integer({
    default: 10_000,
    minimum: 0,
    maximum: 600_000,
    description:
      'How long a starting router that cannot answer yet keeps its port closed, ms, so that clients go to another.',
  }),
  STATUS_INTERVAL_MS: Type.Integer({
    default: 5000,
    minimum: 100,
    maximum: 600_000,
    description: 'Time between two reports to router-status.v1, ms; changes are reported at once.',
  }),
  REQUESTS_MAX: Type.Integer({
    default: 4096,
    minimum: 1,
    maximum: 1_000_000,
    description: 'Most requests for predictions under way at once; others are answered 503 with Retry-After.',
  }),
  REQUEST_BYTES_MAX: Type.Integer({
    default: 16_777_216,
    minimum: 65_536,
    maximum: 17_179_869_184,
    description:
      'Most bytes that the bodies of requests under way may take together; one may have an eighth of what is free, or all when it is alone.',
  }),
  LOOP_DELAY_MAX_MS: Type.Integer({
    default: 100,
    minimum: 10,
    maximum: 60_000,
    description:
      'The longest that the event loop may be held up, or a request may wait for its turn, ms, before fewer requests than REQUESTS_MAX are let in; never fewer than 64.',
  }),
  DATA_DIR: Type.String({
    default: '',
    maxLength: 4096,
    description:
      'Directory in which the last verified parameters of every stable version are kept, with plans and specs, for a start without Kafka. Empty for none.',
  }),
  CACHE_INTERVAL_MS: Type.Integer({
    default: 30_000,
    minimum: 100,
    maximum: 86_400_000,
    description: 'Time from the end of one writing of the disk cache to the beginning of the next, ms.',
  }),
  CACHE_AFTER_MS: Type.Integer({
    default: 5000,
    minimum: 0,
    maximum: 600_000,
    description:
      'How long a starting router waits for Kafka before it answers from its disk cache, ms, where it has one.',
  }),
  INJECT_FAILURES: Type.String({
    default: '',
    pattern: INJECT_FAILURES_PATTERN,
    description:
      'For proofs: a model, its version and the share of rows on which scoring by it fails, as flights-late/4:0.3, with :hang, :nan or :memory when it does not throw; empty for never.',
  }),
  CLOCK_OFFSET_MS: Type.Integer({
    default: 0,
    minimum: -86_400_000,
    maximum: 86_400_000,
    description: 'For proofs: what is added to the clock of the machine, ms.',
  }),
});

/** Relations between the settings. */
export const routerRelations: readonly ((config: Static<typeof routerSettings>) => string | undefined)[] = [
  ({ FLUSH_TIMEOUT_MS, STOP_TIMEOUT_MS }) =>
    FLUSH_TIMEOUT_MS < STOP_TIMEOUT_MS
      ? undefined
      : `FLUSH_TIMEOUT_MS=${String(FLUSH_TIMEOUT_MS)}, allowed less than STOP_TIMEOUT_MS=${String(STOP_TIMEOUT_MS)}`,
  ({ INJECT_FAILURES }) => {
    const how = INJECT_FAILURES.split(':')[2];
    if (how === undefined || SPOILINGS.some((known) => known === how)) return undefined;
    return `INJECT_FAILURES=${INJECT_FAILURES}, allowed after the share ${SPOILINGS.join(', ')} or nothing`;
  },
];

type RouterConfig = Readonly<Static<typeof routerSettings>>;

/** Returns what a published file may take: MB of memory, ms to load and ms a run. */
export function publishedLimits({ PUBLISHED_MEMORY_MB, PUBLISHED_LOAD_MS, PUBLISHED_RUN_MS }: RouterConfig): {
  memoryMb: number;
  loadMs: number;
  runMs: number;
} {
  return { memoryMb: PUBLISHED_MEMORY_MB, loadMs: PUBLISHED_LOAD_MS, runMs: PUBLISHED_RUN_MS };
}

/** Returns how much a router takes on: requests under way, bytes of their bodies, and delay, ms. */
export function admissionLimits({ REQUESTS_MAX, REQUEST_BYTES_MAX, LOOP_DELAY_MAX_MS }: RouterConfig): {
  requestsMax: number;
  bytesMax: number;
  delayMaxMs: number;
} {
  return { requestsMax: REQUESTS_MAX, bytesMax: REQUEST_BYTES_MAX, delayMaxMs: LOOP_DELAY_MAX_MS };
}

/**
 * Returns how many rows are worked on at a time, and how long a request may wait for its turn, ms: twice as long as from when on fewer are
 * let in.
 */
export function turnLimits({ ROWS_IN_HAND_MAX, LOOP_DELAY_MAX_MS }: RouterConfig): {
  weightMax: number;
  waitMaxMs: number;
} {
  return { weightMax: ROWS_IN_HAND_MAX, waitMaxMs: 2 * LOOP_DELAY_MAX_MS };
}

/** Bodies that are parsed at a time, bytes: what is worked on at once, and a little that waits for it. */
const BODY_BYTES_IN_HAND = 65_536;

/** Returns the limits of bodies that are parsed; the others wait as bytes. */
export function bodyTurnLimits(config: RouterConfig): ReturnType<typeof turnLimits> {
  return { ...turnLimits(config), weightMax: BODY_BYTES_IN_HAND };
}

/** Returns what is taken of predictions in bulk: bytes of a line, lines at once. */
export function bulkLimits({ PREDICT_BODY_BYTES, BULK_LINES_MAX }: RouterConfig): {
  lineBytesMax: number;
  linesAtOnce: number;
} {
  return { lineBytesMax: PREDICT_BODY_BYTES, linesAtOnce: BULK_LINES_MAX };
}

/** Returns where clients reach this router. */
export function advertisedUrl({ ADVERTISED_URL, HTTP_HOST, HTTP_PORT }: RouterConfig): string {
  return ADVERTISED_URL === '' ? `http://${HTTP_HOST}:${String(HTTP_PORT)}` : ADVERTISED_URL;
}
