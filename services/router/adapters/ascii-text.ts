import { Buffer } from 'node:buffer'; // the global one is a getter

/** Returns the text of the ASCII bytes `from … to - 1`. */
export function asciiText(bytes: Uint8Array, from: number, to: number): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('latin1', from, to);
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
