/** Where in the log a version that is being registered starts, as an operator says it. */
export type StartFrom =
  | 'end'
  | 'earliest'
  | { readonly position: number }
  /** The first record that Kafka took at or after this time, ms since the Unix epoch. */
  | { readonly timeMs: number }
  /** Position of a milestone. */
  | { readonly milestone: number };

/** Returns the mode of a version that starts there, when `mode` says nothing else: undefined leaves it to the default. */
export function modeOf(from: StartFrom): 'history' | 'milestone' | undefined {
  if (from === 'end') return undefined;
  return typeof from === 'object' && 'milestone' in from ? 'milestone' : 'history';
}

/** Returns why a version cannot start at a position, or undefined when it can. */
export function startFault(
  position: number,
  log: { readonly start: number; readonly end: number },
): string | undefined {
  if (position >= log.start && position <= log.end) return undefined;
  return `from: position ${String(position)}, allowed ${String(log.start)} … ${String(log.end)}, which the log has`;
}
