import { FUTURE_MS_MAX } from '../../shared/domain/check-item.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import type { AskedRow } from './answer-row.ts';
import { parsePredict } from './domain/parse-predict.ts';
import { PlainRequest } from './domain/plain-request.ts';
import { predictionBytes } from './domain/prediction-bytes.ts';
import type { Row } from './loaded-version.ts';

const POOL_MAX = 4096;

/** A plain request with everything of it that answering needs. */
export interface PlainAsk {
  readonly subject: string;
  /** The client's id; undefined when it gave none. */
  readonly id: string | undefined;
  readonly predictedAtMs: number;
  readonly row: AskedRow;
}

/** Reads plain requests. */
export interface PlainReader {
  /** Returns the request; undefined when it is not plain, and nothing is known of it then. */
  read(state: ModelState, body: Uint8Array, nowMs: number): PlainAsk | undefined;
}

/**
 * Returns what reads plain requests, into objects that are used again when a row is released.
 *
 * @param textOf returns the ASCII text of a part of a body
 */
export function createPlainReader(
  textOf: (bytes: Uint8Array, from: number, to: number) => string,
): PlainReader {
  /** Requests that nobody uses, by model. */
  const pools = new Map<string, { readonly spec: ModelState['spec']; readonly free: PlainRequest[] }>();

  function poolOf({ spec }: ModelState): PlainRequest[] {
    const known = pools.get(spec.name);
    if (known?.spec === spec) return known.free;
    const free: PlainRequest[] = [];
    pools.set(spec.name, { spec, free });
    return free;
  }

  return {
    read(state, body, nowMs) {
      const pool = poolOf(state);
      const request = pool.pop() ?? new PlainRequest(state.spec);
      const release = (): void => {
        if (pool.length < POOL_MAX) pool.push(request);
      };
      if (!request.read(body) || request.predictedAtMs > nowMs + FUTURE_MS_MAX) {
        release();
        return undefined;
      }
      const subject = textOf(body, request.subjectFrom, request.subjectTo);
      return {
        subject,
        id: request.idTo === 0 ? undefined : textOf(body, request.idFrom, request.idTo),
        predictedAtMs: request.predictedAtMs < 0 ? nowMs : request.predictedAtMs,
        row: {
          input: {
            hashed: request.hasher.row,
            values: () => valuesOf(state, JSON.parse(textOf(body, 0, body.length)), nowMs),
          },
          bytes: predictionBytes(subject, state.spec.features) + body.length,
          writeFeatures: (writer) => {
            request.writeFeatures(writer);
          },
          release,
        },
      };
    },
  };
}

/** Returns the values of a request that is known to be sound. */
function valuesOf({ spec }: ModelState, body: unknown, nowMs: number): Row {
  const parsed = parsePredict(body, spec, nowMs);
  if ('fault' in parsed) throw new RangeError(`${parsed.fault.field}: ${parsed.fault.message}`);
  return parsed.ask.row;
}
