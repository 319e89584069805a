/** One thing wrong with a spec: the field as a path, and what is wrong, with the value and the limit. */
export interface SpecFault {
  readonly field: string;
  readonly message: string;
}
