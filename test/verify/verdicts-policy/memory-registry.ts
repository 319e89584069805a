import { createHash } from 'node:crypto';
import { parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';
import type { Command } from '../../../services/registry/domain/commands.ts';
import type { HeardVerdict, RolloutSignal } from '../../../services/registry/domain/rollout/signals.ts';
import { createRegistry } from '../../../services/registry/service.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { silentLog } from '../../../shared/observability/log.ts';

const ASKED = { actor: 'proof', reason: '', idempotencyKey: undefined };
const SILENT = {
  recorded: () => undefined,
  refused: () => undefined,
  verdict: () => undefined,
  liveRouters: () => undefined,
  leads: () => undefined,
};

/** The registry's own decisions over a log in memory, for one model with a stable version 1 and a candidate 2. */
export interface MemoryRegistry {
  readonly model: () => ModelState;
  /** Lets a signal move the rollout, as the registry does. */
  signal(signal: RolloutSignal): Promise<void>;
}

/**
 * Returns the registry of a model whose candidate's rollout has begun.
 *
 * @param clock its time, ms; whoever holds it moves it
 */
export async function startMemoryRollout(
  spec: object & { readonly name: string },
  clock: { readonly nowMs: number },
): Promise<MemoryRegistry> {
  const parsed = parseModelSpec(JSON.stringify(spec));
  if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.faults));
  const { value } = parsed;
  const model = value.name;
  let ids = 0;
  let newest: HeardVerdict | null = null;
  const registry = createRegistry({
    log: silentLog,
    nowMs: () => clock.nowMs,
    newId: () => `id-${String((ids += 1))}`,
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    commit: () => Promise.resolve(),
    observe: SILENT,
  });
  const state = (): ModelState => {
    const known = registry.directory().get(model);
    if (known === undefined) throw new TypeError('the model is not there');
    return known;
  };
  async function record(command: Command): Promise<void> {
    const result = await registry.take(command, ASKED);
    if (result.kind !== 'recorded') throw new TypeError(JSON.stringify(result));
  }
  const { learner } = value;
  await record({ kind: 'create-model', model, spec: value });
  for (const version of [1, 2]) {
    const mode = version === 1 ? 'cold' : 'copy';
    await record({ kind: 'register-version', model, mode, parent: undefined, learner, startPosition: 0 });
    await record({ kind: 'record-birth', model, version, position: 0 });
    if (version > 1) continue;
    await record({ kind: 'approve-version', model, version });
    const wanted = { stable: 1, candidate: null, candidateWeightBp: 0, shadows: undefined, salt: undefined };
    await record({ kind: 'set-traffic', model, wanted, ifPlanVersion: state().plan.planVersion });
  }
  async function signal(of: RolloutSignal): Promise<void> {
    if (of.kind === 'verdict') newest = of.verdict;
    const heard = { position: 0, newest, heardAtMs: clock.nowMs };
    const result = await registry.take({ kind: 'rollout', model, signal: of, heard }, ASKED);
    if (result.kind === 'refused') throw new TypeError(JSON.stringify(result));
  }
  await signal({ kind: 'command', command: { kind: 'start', version: 2 }, why: '' });
  return { model: state, signal };
}
