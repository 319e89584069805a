/** Where requests go, and what they are. */
export interface Target {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly path: string;
  /** Bodies that are sent one after the other, JSON. */
  readonly bodies: readonly string[];
}

/** What a load saw. */
export interface Load {
  readonly answered: number;
  /** Requests without an answer of 2xx. */
  readonly failed: number;
  readonly seconds: number;
  /** Time of each answer, ms, in ascending order. */
  readonly latenciesMs: Float64Array;
}
