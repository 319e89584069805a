import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const TAIL_BYTES = 8192;
const TAIL_LINES = 15;

/** Returns the size of a log file, 0 when there is none. */
export function logSize(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** Returns the last lines of a log file, of what was written after its first `fromByte` bytes. */
function logTail(path: string, fromByte: number): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = Math.max(fromByte, size - TAIL_BYTES, 0);
    const bytes = Buffer.alloc(Math.max(size - start, 0));
    readSync(file, bytes, 0, bytes.length, start);
    return bytes.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    closeSync(file);
  }
}

/** Returns for an error what a log file has of a start that began after its first `fromByte` bytes. */
export function endOfLog(path: string, fromByte: number): string {
  return `the end of ${path}:\n${logTail(path, fromByte)}`;
}
