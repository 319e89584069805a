/** What stands where there is no number yet. */
export const NOTHING = '–';

/** Returns a count with three digits a group. */
export function count(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? NOTHING : Math.round(value).toLocaleString('en-US');
}

/** Returns a rate per second, with a decimal where it is small. */
export function rate(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  return value !== 0 && value < 10 ? value.toFixed(1) : count(value);
}

/** Returns how long something takes, in its two largest units at most. */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return NOTHING;
  if (ms < 1000) return `${String(Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min ${String(Math.floor(seconds % 60))} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${String(hours)} h ${String(minutes % 60)} min`;
  return `${String(Math.floor(hours / 24))} d ${String(hours % 24)} h`;
}

/** Returns microseconds as milliseconds or microseconds. */
export function micros(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  return value < 1000
    ? `${String(Math.round(value))} µs`
    : `${(value / 1000).toFixed(value < 10_000 ? 1 : 0)} ms`;
}

/** Returns a loss in nats. */
export function nats(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? NOTHING : value.toFixed(4);
}

/** Returns a share in [0, 1] as a percentage. */
export function percent(value: number | null | undefined, decimals = 1): string {
  return value == null || !Number.isFinite(value) ? NOTHING : `${(value * 100).toFixed(decimals)} %`;
}

/** Returns basis points as a percentage. */
export function basisPoints(value: number): string {
  return `${String(value / 100)} %`;
}

/** Returns a difference with its sign. */
export function signed(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

/** Returns the e-value of its logarithm. */
export function eValue(logE: number | null | undefined): string {
  if (logE == null || !Number.isFinite(logE)) return NOTHING;
  const value = Math.exp(logE);
  if (value < 0.01) return '< 0.01';
  if (value >= 1e6) return 'over 10⁶';
  return value < 100 ? value.toFixed(value < 10 ? 2 : 1) : count(value);
}

/** Returns a time of day, with the date where it is not today's. */
export function moment(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = at.toLocaleTimeString('en-GB');
  return new Date(nowMs).toDateString() === at.toDateString()
    ? time
    : `${at.toLocaleDateString('en-CA')} ${time}`;
}

/** Returns a version's name. */
export function versionName(version: number | null | undefined): string {
  return version == null ? NOTHING : `v${String(version)}`;
}
