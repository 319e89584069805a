const FIRST_PAUSE_MS = 100;
const PAUSE_MS_MAX = 60_000;

/** Returns how long to wait before something that has failed so often in a row, 1 … , is tried again, ms: 0.1 s, then four times as long each. */
export function restartPauseMs(failures: number): number {
  return Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 4 ** (failures - 1));
}
