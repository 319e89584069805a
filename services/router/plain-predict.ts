import { FUTURE_MS_MAX } from '../../shared/domain/check-item.ts';
import type { AvroWriter } from '../../shared/domain/avro-writer.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import type { ModelSpec } from '../../shared/domain/model-spec.ts';
import type { HashedRow } from '../../shared/domain/row-hasher.ts';
import type { AskedRow } from './answer-row.ts';
import { parsePredict } from './domain/parse-predict.ts';
import { PlainRequest } from './domain/plain-request.ts';
import { predictionBytes } from './domain/prediction-bytes.ts';
import type { Row, RowInput } from './loaded-version.ts';

/** Most requests of a model that are kept for later, and the most that one of them may hold, bytes. */
const POOL_MAX = 4096;
const POOLED_BYTES_MAX = 4096;

/** A plain request with everything of it that answering needs. */
export interface PlainAsk {
  readonly subject: string;
  /** The client's id; undefined when it gave none. */
  readonly id: string | undefined;
  readonly predictedAtMs: number;
  readonly row: AskedRow;
}

/** The bytes `from … to - 1`, which are a request's body. */
export interface PlainBody {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** Reads plain requests. */
export interface PlainReader {
  /** Returns the request; undefined when it is not plain, and nothing is known of it then. The bytes are not looked at later. */
  read(state: ModelState, body: PlainBody, nowMs: number): PlainAsk | undefined;
}

type TextOf = (bytes: Uint8Array, from: number, to: number) => string;

/** A plain request of one model as a row. Nobody has it, or one request until it is released. */
class PlainRow implements AskedRow, RowInput {
  readonly request: PlainRequest;
  readonly hashed: HashedRow;
  readonly #pool: Pool;
  bytes = 0;
  #atMs = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.request = new PlainRequest(pool.spec);
    this.hashed = this.request.hasher.row;
  }

  get input(): RowInput {
    return this;
  }

  /** Reads a body; returns whether it is that of a plain request. */
  read({ bytes, from, to }: PlainBody, nowMs: number): boolean {
    this.#atMs = nowMs;
    const { request } = this;
    return request.read(bytes, from, to) && request.predictedAtMs <= nowMs + FUTURE_MS_MAX;
  }

  values(): Row {
    const { spec, textOf } = this.#pool;
    const { bytes, length } = this.request;
    return valuesOf(spec, JSON.parse(textOf(bytes, 0, length)), this.#atMs);
  }

  writeFeatures(writer: AvroWriter): void {
    this.request.writeFeatures(writer);
  }

  release(): void {
    const { free } = this.#pool;
    if (free.length < POOL_MAX && this.request.bytes.length <= POOLED_BYTES_MAX) free.push(this);
  }
}

/** The rows of one model that nobody has. */
interface Pool {
  readonly spec: ModelSpec;
  readonly textOf: TextOf;
  readonly free: PlainRow[];
}

/**
 * Returns what reads plain requests, into objects that are used again when a row is released.
 *
 * @param textOf returns the ASCII text of a part of a body
 */
export function createPlainReader(textOf: TextOf): PlainReader {
  const pools = new Map<string, Pool>();

  function poolOf(spec: ModelSpec): Pool {
    const known = pools.get(spec.name);
    if (known?.spec === spec) return known;
    const made = { spec, textOf, free: [] };
    pools.set(spec.name, made);
    return made;
  }

  return {
    read({ spec }, body, nowMs) {
      const pool = poolOf(spec);
      const row = pool.free.pop() ?? new PlainRow(pool);
      if (!row.read(body, nowMs)) {
        row.release();
        return undefined;
      }
      const { request } = row;
      const { bytes, from } = body;
      const subject = textOf(bytes, from + request.subjectFrom, from + request.subjectTo);
      row.bytes = predictionBytes(subject, spec.features) + request.length;
      return {
        subject,
        id: request.idTo === 0 ? undefined : textOf(bytes, from + request.idFrom, from + request.idTo),
        predictedAtMs: request.predictedAtMs < 0 ? nowMs : request.predictedAtMs,
        row,
      };
    },
  };
}

/** Returns the values of a request that is known to be sound. */
function valuesOf(spec: ModelSpec, body: unknown, nowMs: number): Row {
  const parsed = parsePredict(body, spec, nowMs);
  if ('fault' in parsed) throw new RangeError(`${parsed.fault.field}: ${parsed.fault.message}`);
  return parsed.ask.row;
}
