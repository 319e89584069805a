/** Why a command cannot be taken. */
export interface Refusal {
  readonly kind: 'not-found' | 'conflict' | 'precondition-failed' | 'invalid';
  readonly message: string;
}
