import { readFileSync } from 'node:fs';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';

const EVERY_MS = 200;

/** How much processes have grown since they were taken in. */
export interface MemoryWatch {
  /** Takes in processes that were started since; they grow from what they have now. */
  takeIn(): void;
  /** Ends the watch and returns the most that one has grown, MB. */
  stop(): number;
}

/** Returns the resident memory of a process, MB; undefined when it is not there. */
function residentMb(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    const kilobytes = /VmRSS:\s+(\d+)/.exec(status)?.[1]; // one that is ending has none any more
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined; // it has ended
  }
}

/** Begins to sample processes five times a second. A process that was started afterwards is not looked at until it is taken in. */
export function watchMemory(processes: readonly ServiceProcess[]): MemoryWatch {
  const bases = new Map<number, number>();
  let mostMb = 0;
  const takeIn = (): void => {
    for (const one of processes) {
      const [pid, mb] = [one.pid(), residentMb(one.pid())];
      if (pid !== undefined && mb !== undefined && !bases.has(pid)) bases.set(pid, mb);
    }
  };
  const sample = (): void => {
    for (const [pid, baseMb] of bases) mostMb = Math.max(mostMb, (residentMb(pid) ?? 0) - baseMb);
  };
  takeIn();
  const timer = setInterval(sample, EVERY_MS);
  return {
    takeIn,
    stop() {
      clearInterval(timer);
      sample();
      return Number(mostMb.toFixed(1));
    },
  };
}
