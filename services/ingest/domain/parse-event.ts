import {
  isObject,
  labelFault,
  rowOf,
  shown,
  SUBJECT_LENGTH_MAX,
  textFault,
  timeFault,
  unknownField,
} from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import type { TrainingEvent } from '../../../shared/domain/events.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';

const FIELDS = ['id', 'eventTimeMs', 'subject', 'features', 'label', 'weight'];
const ID_LENGTH_MAX = 128;
const WEIGHT_MAX = 1000;

/** An item that may be written, or the first thing wrong with it. */
export type ParsedItem<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: ItemFault };

/** What an item may default to. */
export interface ItemDefaults {
  readonly nowMs: number;
  /** Id of an event that came without one. */
  readonly newId: () => string;
}

function weightFault(weight: unknown): ItemFault | undefined {
  if (typeof weight === 'number' && weight > 0 && weight <= WEIGHT_MAX) return undefined;
  return { field: 'weight', message: `${shown(weight)}, allowed (0, ${String(WEIGHT_MAX)}]` };
}

/** Returns the training event of a parsed JSON value, its features in the order of the spec. */
export function parseEvent(
  item: unknown,
  spec: ModelSpec,
  defaults: ItemDefaults,
): ParsedItem<TrainingEvent> {
  if (!isObject(item))
    return { ok: false, fault: { field: '(item)', message: `${shown(item)} is not an object` } };
  const { id = defaults.newId(), eventTimeMs = defaults.nowMs, subject, label, weight = 1 } = item;
  const fault =
    unknownField(item, FIELDS) ??
    textFault('id', id, ID_LENGTH_MAX) ??
    timeFault('eventTimeMs', eventTimeMs, defaults.nowMs) ??
    textFault('subject', subject, SUBJECT_LENGTH_MAX) ??
    labelFault(label) ??
    weightFault(weight);
  if (fault !== undefined) return { ok: false, fault };
  const features = rowOf(item['features'], spec.features);
  if ('fault' in features) return { ok: false, fault: features.fault };
  return {
    ok: true,
    value: {
      id: id as string,
      eventTimeMs: eventTimeMs as number,
      subject: subject as string,
      features: features.row,
      label: label as number,
      weight: weight as number,
      labelSource: 'event',
      served: null,
    },
  };
}
