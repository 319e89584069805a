import { setTimeout as pause } from 'node:timers/promises';
import type { Rng } from '../../../shared/domain/rng.ts';
import type { System } from '../../support/system.ts';

const BETWEEN_MS = 2500;

/** Kills, stops and starts learners in a seeded order, so that the group is balanced again each time; one always runs. */
export async function disturbMembers(
  system: System,
  changes: number,
  rng: Rng,
): Promise<{ kills: number; stops: number; starts: number }> {
  const learners = system.fleet.all.filter(({ name }) => name === 'online-learner');
  const counts = { kills: 0, stops: 0, starts: 0 };
  for (let change = 0; change < changes; change += 1) {
    const one = learners[rng.int(learners.length)];
    if (one === undefined) break;
    const others = learners.filter((other) => other !== one && other.isRunning());
    if (!one.isRunning()) {
      await one.start();
      counts.starts += 1;
    } else if (others.length === 0) {
      continue;
    } else if (rng.int(2) === 0) {
      await one.kill();
      counts.kills += 1;
    } else {
      await one.stop();
      counts.stops += 1;
    }
    await pause(rng.int(BETWEEN_MS));
  }
  for (const one of learners) if (!one.isRunning()) await one.start();
  return counts;
}
