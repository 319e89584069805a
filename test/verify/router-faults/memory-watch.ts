import { readFileSync } from 'node:fs';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';

const EVERY_MS = 200;

/** How much processes have grown since the watch began. */
export interface MemoryWatch {
  /** Takes what the processes have now as what they grow from: called again when one was started anew. */
  rebase(): void;
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

/** Begins to sample processes five times a second. A process that was started after the last rebase is not looked at. */
export function watchMemory(processes: readonly ServiceProcess[]): MemoryWatch {
  let bases = new Map<number, number>();
  let mostMb = 0;
  const rebase = (): void => {
    const found = processes.flatMap((one): [number, number][] => {
      const [pid, mb] = [one.pid(), residentMb(one.pid())];
      return pid === undefined || mb === undefined ? [] : [[pid, mb]];
    });
    bases = new Map(found);
  };
  const sample = (): void => {
    for (const [pid, baseMb] of bases) mostMb = Math.max(mostMb, (residentMb(pid) ?? 0) - baseMb);
  };
  rebase();
  const timer = setInterval(sample, EVERY_MS);
  return {
    rebase,
    stop() {
      clearInterval(timer);
      sample();
      return Number(mostMb.toFixed(1));
    },
  };
}
