/**
 * What a handler decided about one record. The consumer loop carries it out: emissions are written and acknowledged,
 * refusals become dead letters, and only then does the position move.
 */
export type Outcome<Emission> =
  | { readonly kind: 'handled'; readonly emit: readonly Emission[]; readonly refused?: readonly Refusal[] }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'poison'; readonly reason: RefusalReason; readonly detail: string };

/** One item of a record that could not be taken while the others were. */
export interface Refusal {
  /** Place of the item in its record, 0 …. */
  readonly itemIndex: number;
  readonly reason: RefusalReason;
  /** Field, value and limit, in words. */
  readonly detail: string;
}

/** Why something became a dead letter; a closed set, because it is a metric's label. */
export type RefusalReason = 'undecodable' | 'wrong-partition' | 'unknown-model' | 'invalid' | 'screened';
