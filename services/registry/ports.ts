import type { ModelVersionEvent } from '../../shared/domain/events.ts';
import type { VerdictValue } from '../../shared/domain/rollout.ts';
import type { OutRecord } from '../../shared/kafka/producer.ts';
import type { Log } from '../../shared/observability/log.ts';

import type { IgnoredReason } from './domain/rollout/signals.ts';

export type { Log } from '../../shared/observability/log.ts';
export type { OutRecord } from '../../shared/kafka/producer.ts';

/** What the registry needs of the world. */
export interface RegistryPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly newId: () => string;
  readonly sha256: (text: string) => string;
  /** Writes all records in one fenced transaction; any failure ends the process. */
  readonly commit: (records: readonly OutRecord[]) => Promise<void>;
  readonly observe: RegistryObserver;
}

/** What the registry tells its metrics. */
export interface RegistryObserver {
  recorded(event: ModelVersionEvent): void;
  refused(kind: string): void;
  /** What became of a verdict: taken, noted, malformed, or why it is ignored. */
  verdict(value: VerdictValue | 'none', result: IgnoredReason | 'taken' | 'noted' | 'malformed'): void;
  /** Routers that have reported of late. */
  liveRouters(count: number): void;
  /** This process decides from now on. */
  leads(): void;
}
