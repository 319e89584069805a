import { messageOf } from '../../../shared/errors.ts';
import { defineProgram } from '../../support/programs.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import { MODEL, PROCEDURES } from './procedures.ts';
import type { Operated } from './procedures.ts';

export const program = defineProgram({
  about: 'carries out the procedures of the operator’s guide on a running system, most of them under traffic',
  options: {
    procedures: {
      default: PROCEDURES.length,
      min: 1,
      max: PROCEDURES.length,
      help: 'how many of them, from the first',
    },
  },
  async run({ procedures: wanted }, say) {
    const system = await startSystem({ instances: { router: 2, 'online-learner': 2 } });
    const done: { name: string; seconds: number; fault: string | null }[] = [];
    const operated: Operated = { system, redis: system.stack, acknowledged: { events: 0, labels: 0 } };
    try {
      await serveSmallModel(system, MODEL);
      await system.fleet.one('online-learner', 1).stop();
      for (const { name, run } of PROCEDURES.slice(0, wanted)) {
        const beganMs = performance.now();
        const fault = await run(operated).then(
          () => null,
          (error: unknown) => messageOf(error),
        );
        const seconds = Math.round((performance.now() - beganMs) / 100) / 10;
        done.push({ name, seconds, fault });
        say(
          `${fault === null ? 'holds  ' : 'FAILED '} ${name}, ${String(seconds)} s${fault === null ? '' : `: ${fault}`}`,
        );
        if (fault !== null) break; // the next would begin on a system that is not whole
      }
    } finally {
      await system.stop();
      if (operated.redis !== system.stack) await operated.redis.stop();
    }
    const failed = done.filter(({ fault }) => fault !== null);
    const { events, labels } = operated.acknowledged;
    return {
      json: {
        procedures: done.length,
        passed: done.length - failed.length,
        failed: failed.length,
        events,
        labels,
        done,
      },
      summary: [
        `${String(done.length - failed.length)} of ${String(done.length)} procedures hold`,
        `${String(events)} events and ${String(labels)} labels acknowledged meanwhile, each learned once; the state held against the log after each`,
      ],
      faults: failed.map(({ name, fault }) => `${name}: ${fault ?? ''}`),
    };
  },
});
