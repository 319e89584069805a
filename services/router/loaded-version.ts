import { createFeatureEncoder } from '../../shared/domain/feature-encoder.ts';
import type { FeatureEncoder } from '../../shared/domain/feature-encoder.ts';
import type { FeatureValue, ModelSpec } from '../../shared/domain/model-spec.ts';
import type { HashedRow } from '../../shared/domain/row-hasher.ts';
import type { CompleteSnapshot } from './domain/complete-snapshot.ts';
import { parametersOf, patchParameters } from './domain/parameters.ts';
import type { Parameters } from './domain/parameters.ts';
import type { OpenScorer, ScoredRows, Scorer } from './ports.ts';

/** Values of a row in the order of the spec. */
export type Row = readonly (FeatureValue | undefined)[];

/** A row to be scored. */
export interface RowInput {
  /** The row with its names hashed, where whoever asks has hashed it; it stays as it is until the row is scored. */
  readonly hashed: HashedRow | undefined;
  /** Returns the row's values. */
  values(): Row;
}

/** A row that came as values. */
export class ValuesRow implements RowInput {
  readonly hashed = undefined;
  readonly row: Row;

  constructor(row: Row) {
    this.row = row;
  }

  values(): Row {
    return this.row;
  }
}

/**
 * One version's graph, encoder and parameters. Its owner sees to it that nothing is changed while a run is under way, and
 * that there is one run at a time: the rows of a run are encoded into buffers that the next run uses again.
 */
export class LoadedVersion {
  readonly graph: Uint8Array;
  readonly #scorer: Scorer;
  readonly #encoder: FeatureEncoder;
  #parameters: Parameters;
  #indices = new Int32Array(0);
  #values = new Float32Array(0);

  private constructor(graph: Uint8Array, scorer: Scorer, encoder: FeatureEncoder, parameters: Parameters) {
    this.graph = graph;
    this.#scorer = scorer;
    this.#encoder = encoder;
    this.#parameters = parameters;
  }

  /**
   * Returns the version of a full snapshot. Rejects when the graph is not one, and with RangeError when the snapshot does
   * not belong to a model like this.
   */
  static async open(spec: ModelSpec, full: CompleteSnapshot, openScorer: OpenScorer): Promise<LoadedVersion> {
    const graph = full.graph ?? new Uint8Array();
    const numeric = spec.features.filter(({ type }) => type === 'numeric').length;
    if (full.means.length !== numeric) {
      throw new RangeError(
        `the snapshot scales ${String(full.means.length)} features, the model has ${String(numeric)} numeric ones`,
      );
    }
    const encoder = createFeatureEncoder(spec.features, spec.crosses, full.tableBits);
    return new LoadedVersion(graph, await openScorer(graph, encoder.width), encoder, parametersOf(full));
  }

  /** What scores are made from as they are now; the next snapshot changes them in place. */
  get parameters(): Parameters {
    return this.#parameters;
  }

  /** Replaces all parameters by those of a full snapshot of the same version; returns the weights before. */
  replace(full: Pick<CompleteSnapshot, 'weights' | 'means' | 'invStds'>): Float32Array<ArrayBuffer> {
    if (
      full.means.length !== this.#parameters.means.length ||
      full.weights.length !== this.#parameters.weights.length
    ) {
      throw new RangeError('the snapshot is of another size than the one before');
    }
    const { weights } = this.#parameters;
    this.#parameters = parametersOf(full);
    return weights;
  }

  /** Puts a delta over the parameters, in place: half a millisecond for 2^13 weights of a large table. */
  patch(delta: CompleteSnapshot): void {
    if (delta.means.length !== this.#parameters.means.length) {
      throw new RangeError('the delta scales another number of features than its full snapshot');
    }
    this.#parameters = patchParameters(this.#parameters, delta);
  }

  /** Returns one score a row, from the parameters as they are now; at once where the scorer can. */
  score(rows: readonly RowInput[]): ScoredRows | Promise<ScoredRows> {
    const { width } = this.#encoder;
    const size = rows.length * width;
    if (size > this.#indices.length) {
      this.#indices = new Int32Array(size);
      this.#values = new Float32Array(size);
    }
    let at = 0;
    for (const row of rows) {
      if (row.hashed === undefined)
        this.#encoder.encode(row.values(), this.#parameters, this.#indices, this.#values, at);
      else this.#encoder.encodeHashed(row.hashed, this.#parameters, this.#indices, this.#values, at);
      at += width;
    }
    const indices = this.#indices.subarray(0, size);
    const values = this.#values.subarray(0, size);
    return this.#scorer.score({ indices, values, rows: rows.length }, this.#parameters.weights);
  }

  close(): Promise<void> {
    return this.#scorer.close();
  }
}

/** Returns rows of values as they are scored. */
export function inputsOf(rows: readonly Row[]): RowInput[] {
  return rows.map((row) => new ValuesRow(row));
}
