/** Points that a series keeps; when it is full, every second one goes and each then stands for twice the time. */
const CAPACITY = 360;
const FIRST_SIZE = 16;

/** A series, or the end of it, as the page is sent it. A value is null where the column had none. */
export interface SeriesPart {
  /** Place of the first point sent. */
  readonly from: number;
  readonly timesMs: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

function grown(from: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(size).fill(NaN);
  to.set(from.subarray(0, Math.min(from.length, size)));
  return to;
}

/**
 * Values of named columns over time in bounded memory. The newest sample is always the last point; a point stands for
 * `stride` samples, of which it keeps the last: right for levels and for counts that only rise. When all places are
 * taken the series keeps every second point, so that it reaches twice as far back at half the resolution.
 */
export class Series {
  readonly #capacity: number;
  #length = 0;
  #stride = 1;
  /** Samples that the last point stands for. */
  #inLast = 0;
  #compactedAt = 0;
  #times = new Float64Array(FIRST_SIZE);
  /** Tick at which each point was written last. */
  #ticks = new Float64Array(FIRST_SIZE);
  readonly #columns = new Map<string, Float64Array>();

  /** @param capacity how many points are kept, even and at least 2 */
  constructor(capacity = CAPACITY) {
    if (capacity < 2 || capacity % 2 !== 0)
      throw new RangeError(`capacity ${String(capacity)}, allowed even numbers from 2`);
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** Samples that a point stands for. */
  get stride(): number {
    return this.#stride;
  }

  /** Tick of the last halving; who has seen an older tick needs everything anew. */
  get compactedAt(): number {
    return this.#compactedAt;
  }

  /** Takes what was measured at a time. Columns that are not named have no value there. Non-finite values are none. */
  add(timeMs: number, tick: number, values: Readonly<Record<string, number>>): void {
    if (this.#length > 0 && this.#inLast < this.#stride) this.#inLast += 1;
    else {
      if (this.#length === this.#capacity) this.#halve(tick);
      this.#grow(this.#length + 1);
      this.#length += 1;
      this.#inLast = 1;
    }
    const at = this.#length - 1;
    this.#times[at] = timeMs;
    this.#ticks[at] = tick;
    for (const column of this.#columns.values()) column[at] = NaN;
    for (const [name, value] of Object.entries(values)) {
      let column = this.#columns.get(name);
      if (column === undefined) {
        column = new Float64Array(this.#times.length).fill(NaN);
        this.#columns.set(name, column);
      }
      column[at] = value;
    }
  }

  /** Forgets columns whose names are not wanted. */
  keepColumns(isWanted: (name: string) => boolean): void {
    for (const name of this.#columns.keys()) if (!isWanted(name)) this.#columns.delete(name);
  }

  /** Begins anew. */
  clear(tick: number): void {
    this.#length = 0;
    this.#stride = 1;
    this.#inLast = 0;
    this.#columns.clear();
    this.#compactedAt = tick;
  }

  /** Returns the points written after a tick; all of them for 0, or when it was halved since. */
  since(tick: number): SeriesPart {
    let from = this.#length;
    if (tick < this.#compactedAt) from = 0;
    else while (from > 0 && (this.#ticks[from - 1] ?? 0) > tick) from -= 1;
    const slice = (of: Float64Array): (number | null)[] =>
      Array.from(of.subarray(from, this.#length), (value) => (Number.isFinite(value) ? value : null));
    const columns = Object.fromEntries([...this.#columns].map(([name, column]) => [name, slice(column)]));
    return { from, timesMs: Array.from(this.#times.subarray(from, this.#length)), columns };
  }

  #grow(length: number): void {
    if (length <= this.#times.length) return;
    const size = Math.min(this.#capacity, this.#times.length * 2);
    this.#times = grown(this.#times, size);
    this.#ticks = grown(this.#ticks, size);
    for (const [name, column] of this.#columns) this.#columns.set(name, grown(column, size));
  }

  #halve(tick: number): void {
    const kept = this.#length / 2;
    for (const values of [this.#times, this.#ticks, ...this.#columns.values()]) {
      for (let at = 0; at < kept; at += 1) values[at] = values[2 * at + 1] ?? NaN;
      values.fill(NaN, kept);
    }
    this.#length = kept;
    this.#stride *= 2;
    this.#compactedAt = tick;
  }
}
