import type { ModelState } from '../../shared/domain/model-directory.ts';
import { messageOf } from '../../shared/errors.ts';
import { parseEvent } from './domain/parse-event.ts';
import { parseLabel } from './domain/parse-label.ts';
import type { Intake, IntakeItem } from './intake.ts';
import type { IngestPorts, Written } from './ports.ts';

/** What became of one item. */
export type ItemResult =
  | {
      readonly index: number;
      readonly status: 'accepted';
      readonly id: string;
      readonly partition: number;
      readonly offset: number;
    }
  | { readonly index: number; readonly status: 'rejected'; readonly field: string; readonly message: string }
  | { readonly index: number; readonly status: 'failed'; readonly message: string };

/** Items of one request as they come: parsed JSON, or text that was not JSON. */
export type GivenItem = { readonly value: unknown } | { readonly malformed: string };

/** The result of a request, or that there was no room for it. */
export type AcceptResult =
  { readonly kind: 'done'; readonly items: readonly ItemResult[] } | { readonly kind: 'full' };

/** Accepting items of one model. */
export interface Ingest {
  accept(
    model: ModelState,
    kind: IntakeItem['kind'],
    given: readonly GivenItem[],
    traceparent?: string,
  ): Promise<AcceptResult>;
}

/** Returns the use case: every item is judged by itself; the sound ones are written, and each is answered. */
export function createIngest(ports: IngestPorts, intake: Intake): Ingest {
  function parse(
    model: ModelState,
    kind: IntakeItem['kind'],
    item: GivenItem,
  ): IntakeItem | { field: string; message: string } {
    if ('malformed' in item) return { field: '(item)', message: item.malformed };
    if (kind === 'event') {
      const parsed = parseEvent(item.value, model.spec, { nowMs: ports.nowMs(), newId: ports.newId });
      return parsed.ok ? { kind: 'event', value: parsed.value } : parsed.fault;
    }
    const parsed = parseLabel(item.value, model.spec, ports.nowMs());
    return parsed.ok ? { kind: 'label', value: parsed.value } : parsed.fault;
  }

  return {
    async accept(model, kind, given, traceparent) {
      if (!intake.hasRoom(model, kind, given.length)) {
        ports.observe.pushedBack(kind);
        return { kind: 'full' };
      }
      const parsed = given.map((item) => parse(model, kind, item));
      const sound = parsed.filter((item): item is IntakeItem => 'kind' in item);
      let written: readonly Written[] = [];
      let failure: string | undefined;
      try {
        written = await intake.write(model, sound, traceparent);
      } catch (error) {
        failure = messageOf(error);
      }
      ports.observe.items(kind, 'rejected', parsed.length - sound.length);
      if (failure === undefined) ports.observe.items(kind, 'accepted', sound.length);
      let next = 0;
      const items = parsed.map((item, index): ItemResult => {
        if (!('kind' in item)) return { index, status: 'rejected', ...item };
        const place = written[next];
        next += 1;
        if (place === undefined) return { index, status: 'failed', message: failure ?? 'not written' };
        const id = item.kind === 'event' ? item.value.id : item.value.predictionId;
        return { index, status: 'accepted', id, partition: place.partition, offset: place.offset };
      });
      return { kind: 'done', items };
    },
  };
}
