import assert from 'node:assert/strict';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import type { TrafficPlan } from '../../shared/domain/events.ts';
import type { RolloutPhase, RolloutState } from '../../shared/domain/rollout.ts';
import type { System } from './system.ts';
import type { VerdictWriter } from './verdicts.ts';

/** A rollout as the registry shows it. */
export interface RolloutAnswer {
  readonly rollout: RolloutState;
  readonly queued: readonly number[];
  readonly traffic: Omit<TrafficPlan, 'model'>;
  readonly waitsFor: readonly string[];
}

/** What people do with the rollout of one model. */
export interface RolloutClient {
  get(): Promise<RolloutAnswer>;
  start(version: number): Promise<RolloutAnswer>;
  command(verb: string, body?: object): Promise<RolloutAnswer>;
  /** Waits until the newest rollout stands somewhere. */
  until(phase: RolloutPhase, step?: number): Promise<RolloutAnswer>;
  /** Writes promoting verdicts in the monitor's name until the rollout has gone a stage further. */
  promote(verdicts: VerdictWriter): Promise<RolloutAnswer>;
}

/** Returns a client of the rollout of a model. */
export function rolloutClient(system: System, model: string): RolloutClient {
  const url = `${system.url('registry')}/v1/models/${model}/rollout`;
  async function ask(method: string, path: string, body?: object): Promise<RolloutAnswer> {
    const answer = await system.http.send(method, `${url}${path}`, body, { 'headrace-actor': 'a test' });
    assert.ok(
      answer.status < 300,
      `${method} ${path}: ${String(answer.status)} ${JSON.stringify(answer.body)}`,
    );
    return answer.body as RolloutAnswer;
  }
  const get = (): Promise<RolloutAnswer> => ask('GET', '');
  const limits = { limitMs: 30_000, everyMs: 20 };
  return {
    get,
    start: (version) => ask('POST', '', { version, reason: 'a test wants it' }),
    command: (verb, body) => ask('POST', `/${verb}`, body),
    until: (phase, step) =>
      waitUntil(
        async () => {
          const answer = await get();
          const { rollout, waitsFor } = answer;
          if (rollout.phase !== phase || (step !== undefined && rollout.step !== step))
            throw new Error(`${rollout.phase} ${String(rollout.step)}, waits for ${waitsFor.join('; ')}`);
          return answer;
        },
        { what: `the rollout of ${model} to be ${phase} ${String(step ?? '')}`, ...limits },
      ),
    async promote(verdicts) {
      const { rollout: before } = await get();
      await verdicts.write(model, before, 'promote');
      return waitUntil(
        async () => {
          const answer = await get();
          if (answer.rollout.stage === before.stage) throw new Error(answer.waitsFor.join('; '));
          return answer;
        },
        { what: `the rollout of ${model} to leave stage ${String(before.stage)}`, ...limits },
      );
    },
  };
}
