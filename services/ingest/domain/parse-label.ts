import {
  isObject,
  labelFault,
  shown,
  SUBJECT_LENGTH_MAX,
  textFault,
  timeFault,
  unknownField,
} from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import type { Label } from '../../../shared/domain/events.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import {
  CLIENT_ID_LENGTH_MAX,
  predictionId,
  shardOfPrediction,
  shardOfSubject,
} from '../../../shared/domain/prediction-id.ts';
import type { ParsedItem } from './parse-event.ts';

const FIELDS = ['predictionId', 'subject', 'id', 'label', 'observedAtMs', 'source'];
const SOURCE_LENGTH_MAX = 64;

function idOf(item: Record<string, unknown>, spec: ModelSpec): string | ItemFault {
  const { predictionId: given, subject, id } = item;
  if (given !== undefined) {
    if (typeof given !== 'string')
      return { field: 'predictionId', message: `${shown(given)} is not a string` };
    const shard = shardOfPrediction(given);
    if (shard === undefined)
      return { field: 'predictionId', message: `${shown(given)} is not a prediction id, "<shard>~<id>"` };
    if (shard >= spec.shards) {
      return {
        field: 'predictionId',
        message: `shard ${String(shard)}, allowed 0 … ${String(spec.shards - 1)}`,
      };
    }
    return given;
  }
  if (id === undefined) return { field: 'predictionId', message: 'is missing; or give subject and id' };
  const fault =
    textFault('subject', subject, SUBJECT_LENGTH_MAX) ?? textFault('id', id, CLIENT_ID_LENGTH_MAX);
  if (fault !== undefined) return fault;
  const made = predictionId(shardOfSubject(subject as string, spec.shards), id as string);
  return shardOfPrediction(made) === undefined
    ? { field: 'id', message: `${shown(id)} has characters other than printable ASCII` }
    : made;
}

/** Returns the label of a parsed JSON value. */
export function parseLabel(item: unknown, spec: ModelSpec, nowMs: number): ParsedItem<Label> {
  if (!isObject(item))
    return { ok: false, fault: { field: '(item)', message: `${shown(item)} is not an object` } };
  const { label, observedAtMs = nowMs, source = '' } = item;
  const isLongSource = typeof source !== 'string' || source.length > SOURCE_LENGTH_MAX;
  const fault =
    unknownField(item, FIELDS) ??
    labelFault(label) ??
    timeFault('observedAtMs', observedAtMs, nowMs) ??
    (isLongSource
      ? {
          field: 'source',
          message: `${shown(source)}, allowed a string of at most ${String(SOURCE_LENGTH_MAX)} characters`,
        }
      : undefined);
  if (fault !== undefined) return { ok: false, fault };
  const id = idOf(item, spec);
  if (typeof id !== 'string') return { ok: false, fault: id };
  return {
    ok: true,
    value: {
      predictionId: id,
      label: label as number,
      observedAtMs: observedAtMs as number,
      source: source as string,
    },
  };
}
