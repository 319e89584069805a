/**
 * The moments at which a process that keeps a shard may die, before and after each wait that matters. A proof lets it die
 * there on purpose (setting CRASH_AT) and compares what was learned with a run that nobody disturbed.
 */
export const CRASH_POINTS = [
  'epoch-raised',
  'state-loaded',
  'partitions-taken-over',
  'batch-fetched',
  'batch-applied',
  'emissions-acknowledged',
  'state-captured',
  'page-written',
  'pages-written',
  'manifest-flipped',
  'batch-settled',
  'offset-committed',
  'snapshot-sent',
  'snapshot-acknowledged',
  'birth-saved',
  'milestone-begun',
  'milestone-written',
] as const;

/** One of CRASH_POINTS. */
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** What the setting CRASH_AT may be: nothing, or a crash point and at which passing of it to die. */
export const CRASH_AT_PATTERN = '^([a-z-]{1,40}:[1-9][0-9]{0,5})?$';

/**
 * Returns what to call at every crash point: nothing happens, or the process is killed with SIGKILL when it passes the point
 * named by the setting for the given time, as `state-captured:3`.
 *
 * @throws RangeError when the setting names no crash point
 */
export function createCrashPoint(setting: string): (point: CrashPoint) => void {
  const [name = '', times] = setting.split(':');
  if (name !== '' && !CRASH_POINTS.some((point) => point === name))
    throw new RangeError(`CRASH_AT ${name}, allowed ${CRASH_POINTS.join(', ')}`);
  let left = Number(times);
  return (point) => {
    if (point !== name) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
