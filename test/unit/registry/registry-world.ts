import { createHash } from 'node:crypto';
import type { Command, WantedTraffic } from '../../../services/registry/domain/commands.ts';
import type { OutRecord, RegistryObserver } from '../../../services/registry/ports.ts';
import { createRegistry } from '../../../services/registry/service.ts';
import type { Asked, CommandResult, Registry } from '../../../services/registry/service.ts';
import type { ModelVersionEvent, TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import { silentLog } from '../../../shared/observability/log.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const learner = {
  kind: 'ftrl-logistic',
  tableBits: 10,
  alpha: 0.1,
  beta: 1,
  l1: 0,
  l2: 0,
} as const;

export const clickSpec: ModelSpec = {
  name: 'clicks',
  task: 'binary-classification',
  shards: 1,
  features: [{ name: 'colour', type: 'categorical' }],
  crosses: [],
  label: { windowMs: 1000, onWindowEnd: 'drop', defaultLabel: 0 },
  learner,
  snapshots: { minIntervalMs: 5 },
  predictionLog: 'async',
};

export const silentObserver: RegistryObserver = {
  recorded: () => undefined,
  refused: () => undefined,
  verdict: () => undefined,
  liveRouters: () => undefined,
  leads: () => undefined,
};

export const asked: Asked = { actor: 'ada', reason: 'a test', idempotencyKey: undefined };

/** Commands on the model `clicks`. */
export const ask = {
  create: { kind: 'create-model', model: 'clicks', spec: clickSpec },
  register: (mode: 'cold' | 'copy' = 'cold', parent?: number): Command => ({
    kind: 'register-version',
    model: 'clicks',
    mode,
    parent,
    learner,
    startPosition: 7,
  }),
  born: (version: number): Command => ({ kind: 'record-birth', model: 'clicks', version, position: 9 }),
  approve: (version: number): Command => ({ kind: 'approve-version', model: 'clicks', version }),
  retire: (version: number): Command => ({ kind: 'retire-version', model: 'clicks', version }),
  traffic: (ifPlanVersion: number, wanted: Partial<WantedTraffic>): Command => ({
    kind: 'set-traffic',
    model: 'clicks',
    ifPlanVersion,
    wanted: {
      stable: null,
      candidate: null,
      candidateWeightBp: 0,
      shadows: undefined,
      salt: undefined,
      ...wanted,
    },
  }),
} satisfies Record<string, Command | ((...args: never[]) => Command)>;

/** A registry over a log in memory. */
export interface RegistryWorld {
  readonly registry: Registry;
  /** Goes on by a millisecond whenever it is read; a test may set it. */
  readonly clock: { nowMs: number };
  /** Transactions, in order. */
  readonly commits: (readonly OutRecord[])[];
  /** What `commit` does before it succeeds; a test may hold or fail it. */
  beforeCommit: () => Promise<void>;
  take(command: Command, by?: Partial<Asked>): Promise<CommandResult>;
  /** Takes a command that must be recorded. */
  record(command: Command): Promise<ModelVersionEvent>;
  events(): ModelVersionEvent[];
  model(): ModelState;
  plan(): TrafficPlan;
}

export function createRegistryWorld(): RegistryWorld {
  const commits: (readonly OutRecord[])[] = [];
  let ids = 0;
  const clock = { nowMs: 1000 };
  const registry = createRegistry({
    log: silentLog,
    nowMs: () => (clock.nowMs += 1),
    newId: () => `id-${String((ids += 1))}`,
    sha256,
    commit: async (records) => {
      await world.beforeCommit();
      commits.push(records);
    },
    observe: silentObserver,
  });
  const model = (): ModelState => {
    const known = registry.directory().get('clicks');
    if (known === undefined) throw new TypeError('the model is not created');
    return known;
  };
  const world: RegistryWorld = {
    registry,
    clock,
    commits,
    beforeCommit: () => Promise.resolve(),
    take: (command, by = {}) => registry.take(command, { ...asked, ...by }),
    async record(command) {
      const result = await registry.take(command, asked);
      if (result.kind !== 'recorded') throw new TypeError(JSON.stringify(result));
      return result.event;
    },
    events: () =>
      commits
        .flat()
        .flatMap((one) => (one.topic === 'model-versions.v1' && one.value !== null ? [one.value] : [])),
    model,
    plan: () => model().plan,
  };
  return world;
}

/** Returns a world whose model has live, approved versions 1 … count. */
export async function worldWithVersions(count: number, rollout?: RolloutPolicy): Promise<RegistryWorld> {
  const world = createRegistryWorld();
  const spec = rollout === undefined ? clickSpec : { ...clickSpec, rollout };
  await world.record({ ...ask.create, spec });
  for (let version = 1; version <= count; version += 1) {
    await world.record(ask.register());
    await world.record(ask.born(version));
    await world.record(ask.approve(version));
  }
  return world;
}
