import { createIntake } from '../../../services/ingest/intake.ts';
import type { Intake, IntakeItem } from '../../../services/ingest/intake.ts';
import type { IngestPorts, OutRecord, Written } from '../../../services/ingest/ports.ts';
import { createIngest } from '../../../services/ingest/service.ts';
import type { Ingest } from '../../../services/ingest/service.ts';
import { silentLog } from '../../../shared/observability/log.ts';

/** Ingest with a Kafka in memory. */
export interface IngestWorld {
  readonly intake: Intake;
  readonly ingest: Ingest;
  /** Every record given to Kafka, acknowledged or not. */
  readonly sent: OutRecord[];
  readonly told: string[];
  /** What a write does before it is acknowledged; a test may hold or fail it. */
  beforeAck: (record: OutRecord) => Promise<void>;
}

export function createIngestWorld({ capacity = 1000, batchMax = 100 } = {}): IngestWorld {
  const sent: OutRecord[] = [];
  const told: string[] = [];
  let ids = 0;
  const ports: IngestPorts = {
    log: silentLog,
    nowMs: () => 1_790_000_000_000,
    newId: () => `made-${String((ids += 1))}`,
    send: async (records) => {
      const places: Written[] = [];
      for (const record of records) {
        const offset = sent.push(record) - 1;
        await world.beforeAck(record);
        places.push({ partition: record.partition, offset });
      }
      return places;
    },
    observe: {
      items: (kind, result, count) => told.push(`${kind} ${result} ${String(count)}`),
      pushedBack: (kind) => told.push(`${kind} pushed back`),
      joined: () => undefined,
      joinBytes: () => undefined,
      watermark: () => undefined,
    },
  };
  const intake = createIntake({ ports, partitions: 4, capacity, batchMax });
  const world: IngestWorld = {
    intake,
    ingest: createIngest(ports, intake),
    sent,
    told,
    beforeAck: () => Promise.resolve(),
  };
  return world;
}

/** Returns an event as the intake takes it. */
export function intakeEvent(id: string): IntakeItem {
  return {
    kind: 'event',
    value: {
      id,
      eventTimeMs: 0,
      subject: 's',
      features: [],
      label: 0,
      weight: 1,
      labelSource: 'event',
      served: null,
    },
  };
}

/** Returns the ids of the items of every record sent. */
export function idsSent(sent: readonly OutRecord[]): string[][] {
  return sent.map((record) => {
    if (record.value !== null && 'events' in record.value)
      return record.value.events.map((event) => ('id' in event ? event.id : event.eventId));
    if (record.value !== null && 'labels' in record.value)
      return record.value.labels.map(({ predictionId }) => predictionId);
    return [];
  });
}

/** Holds every write until it is let go, one at a time. */
export function holdWrites(world: IngestWorld): { release(error?: Error): void } {
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  world.beforeAck = () => new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  return {
    release(error) {
      const next = waiting.shift();
      if (error === undefined) next?.resolve();
      else next?.reject(error);
    },
  };
}
