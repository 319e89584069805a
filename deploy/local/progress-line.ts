/** Returns a duration since `startMs` (of performance.now) for people: '2.9 s'. */
export function secondsSince(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

/** Returns a progress line: the title, padded, then what happened to it. */
export function progressLine(title: string, event: string): string {
  return `${title.padEnd(16)} ${event}`;
}
