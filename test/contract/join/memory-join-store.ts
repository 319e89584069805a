import type {
  JoinItem,
  JoinOutcome,
  JoinPrediction,
  JoinStore,
  JoinStores,
} from '../../../services/ingest/ports.ts';
import { HeadraceError } from '../../../shared/errors.ts';

interface Entry {
  state: 'early' | 'open' | 'labelled' | 'defaulted' | 'dropped';
  predictionSource?: string;
  payload?: string;
  deadlineMs?: number;
  labelSource?: string;
  label?: number;
  observedAtMs?: number;
  winner?: string;
}

interface ShardState {
  readonly entries: Map<string, Entry>;
  /** Deadline of every prediction that waits for a label. */
  readonly due: Map<string, number>;
  /** Event time at which a finished or early entry can be forgotten. */
  readonly gone: Map<string, number>;
  bytes: number;
  consumed: { predictions: number; labels: number; watermarkMs: number };
}

/** The join's state in memory: what the Redis adapter does, without Redis. Payloads are copied as JSON, as there. */
export function createMemoryJoinStores(): JoinStores {
  const shards = new Map<string, ShardState>();
  const positions = new Map<string, number>();
  /** Owner number of each partition. */
  const owners = new Map<number, number>();

  function shardOf(key: string): ShardState {
    const known = shards.get(key);
    if (known !== undefined) return known;
    const made: ShardState = {
      entries: new Map(),
      due: new Map(),
      gone: new Map(),
      bytes: 0,
      consumed: { predictions: 0, labels: 0, watermarkMs: 0 },
    };
    shards.set(key, made);
    return made;
  }

  const paired = (payload: string, entry: Entry): JoinOutcome => ({
    kind: 'joined',
    of: JSON.parse(payload) as JoinPrediction,
    label: entry.label ?? Number.NaN,
    observedAtMs: entry.observedAtMs ?? Number.NaN,
  });

  function takePrediction(shard: ShardState, item: Extract<JoinItem, { kind: 'prediction' }>): JoinOutcome {
    const { source, deadlineMs, of } = item;
    const { id } = of.prediction;
    const payload = JSON.stringify(of);
    const entry = shard.entries.get(id);
    if (entry?.predictionSource !== undefined) {
      if (entry.predictionSource !== source) return { kind: 'second' };
      if (entry.winner === source && entry.state === 'labelled') return paired(payload, entry);
      return { kind: 'same' };
    }
    shard.bytes += Buffer.byteLength(payload);
    const next: Entry = { ...entry, state: 'open', predictionSource: source, payload, deadlineMs };
    shard.entries.set(id, next);
    shard.gone.delete(id);
    if (entry === undefined || (entry.observedAtMs ?? 0) > deadlineMs) {
      shard.due.set(id, deadlineMs);
      return { kind: entry === undefined ? 'open' : 'late' };
    }
    next.state = 'labelled';
    next.winner = source;
    shard.gone.set(id, deadlineMs);
    return paired(payload, next);
  }

  function takeLabel(shard: ShardState, item: Extract<JoinItem, { kind: 'label' }>): JoinOutcome {
    const { source, label, forgetAtMs } = item;
    const id = label.predictionId;
    const entry = shard.entries.get(id);
    const part = { labelSource: source, label: label.label, observedAtMs: label.observedAtMs };
    if (entry === undefined) {
      shard.entries.set(id, { state: 'early', ...part });
      shard.gone.set(id, forgetAtMs);
      return { kind: 'early' };
    }
    if (entry.labelSource === source) {
      const isWinner = entry.winner === source && entry.state === 'labelled';
      return isWinner && entry.payload !== undefined ? paired(entry.payload, entry) : { kind: 'same' };
    }
    if (entry.state === 'open') {
      if (label.observedAtMs > (entry.deadlineMs ?? 0)) return { kind: 'late' };
      Object.assign(entry, part, { state: 'labelled', winner: source });
      shard.due.delete(id);
      shard.gone.set(id, entry.deadlineMs ?? 0);
      return paired(entry.payload ?? '', entry);
    }
    return { kind: entry.state === 'defaulted' || entry.state === 'dropped' ? 'late' : 'second' };
  }

  function freePayload(shard: ShardState, id: string): void {
    const entry = shard.entries.get(id);
    if (entry?.payload === undefined) return;
    shard.bytes -= Buffer.byteLength(entry.payload);
    delete entry.payload;
  }

  const storeOf = (isOurs: () => boolean): JoinStore => {
    async function changing<T>(change: () => T): Promise<T> {
      await Promise.resolve();
      if (!isOurs())
        throw new HeadraceError('another process owns it', { code: 'redis-fenced', retriable: false });
      return change();
    }
    return {
      take: (key, items) =>
        changing(() => {
          const shard = shardOf(key);
          return items.map((item) =>
            item.kind === 'prediction' ? takePrediction(shard, item) : takeLabel(shard, item),
          );
        }),
      closeWindows: (key, { watermarkMs, as, limit }) =>
        changing(() => {
          const shard = shardOf(key);
          const oldest = [...shard.due]
            .filter(([, deadlineMs]) => deadlineMs <= watermarkMs)
            .sort(([one, a], [other, b]) => a - b || (one < other ? -1 : 1))
            .slice(0, limit);
          return oldest.flatMap(([id]) => {
            const entry = shard.entries.get(id);
            if (entry?.payload === undefined || (entry.state !== 'open' && entry.state !== as)) return [];
            entry.state = as;
            return [JSON.parse(entry.payload) as JoinPrediction];
          });
        }),
      hasDue: (key, timeMs) =>
        Promise.resolve([...shardOf(key).due.values()].some((deadlineMs) => deadlineMs <= timeMs)),
      free: (key, { joined, closed, watermarkMs }) =>
        changing(() => {
          const shard = shardOf(key);
          const past = [...shard.gone].filter(([, timeMs]) => timeMs < watermarkMs).map(([id]) => id);
          for (const id of [...joined, ...closed, ...past]) freePayload(shard, id);
          for (const id of closed) {
            shard.due.delete(id);
            const deadlineMs = shard.entries.get(id)?.deadlineMs;
            if (deadlineMs !== undefined) shard.gone.set(id, deadlineMs);
          }
          for (const id of past) {
            shard.entries.delete(id);
            shard.gone.delete(id);
          }
        }),
      consumed: (key) => Promise.resolve({ ...shardOf(key).consumed }),
      bytes: (key) => Promise.resolve(shardOf(key).bytes),
      setPosition: (topicPartition, nextOffset, progress) =>
        changing(() => {
          positions.set(topicPartition, nextOffset);
          for (const [key, { predictions, labels, watermarkMs }] of progress)
            shardOf(key).consumed = { predictions, labels, watermarkMs };
        }),
    };
  };

  return {
    own(partition) {
      const owner = (owners.get(partition) ?? 0) + 1;
      owners.set(partition, owner);
      return Promise.resolve(storeOf(() => owners.get(partition) === owner));
    },
    position: (topicPartition) => Promise.resolve(positions.get(topicPartition)),
  };
}
