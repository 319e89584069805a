/** The bytes `from … to - 1` of some bytes. */
export interface ByteSpan {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}
