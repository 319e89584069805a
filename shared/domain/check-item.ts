import { CATEGORICAL_LENGTH_MAX, checkRow } from './feature-row.ts';
import type { FeatureSpec, FeatureValue } from './model-spec.ts';

/** One thing wrong with an item: the field, and what is wrong, with the value and the limit. */
export interface ItemFault {
  readonly field: string;
  readonly message: string;
}

/** Longest subject, characters. */
export const SUBJECT_LENGTH_MAX = 256;

/** How far in the future a client's timestamp may lie, ms: clocks differ, but not by more. */
export const FUTURE_MS_MAX = 5 * 60 * 1000;

/** Returns a value as a person would write it, cut to a reasonable length. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'number' || typeof value === 'undefined' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Returns whether a value is a plain JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the first field that is not in the list, as a fault. */
export function unknownField(
  item: Record<string, unknown>,
  allowed: readonly string[],
): ItemFault | undefined {
  const extra = Object.keys(item).find((key) => !allowed.includes(key));
  return extra === undefined
    ? undefined
    : { field: extra, message: `is not a field, allowed ${allowed.join(', ')}` };
}

/** Returns what is wrong with a string field, or undefined. */
export function textFault(field: string, value: unknown, max: number): ItemFault | undefined {
  if (typeof value !== 'string') return { field, message: `${shown(value)} is not a string` };
  if (value.length < 1 || value.length > max) {
    return { field, message: `has ${String(value.length)} characters, allowed 1 … ${String(max)}` };
  }
  if (!value.isWellFormed()) return { field, message: 'is not well-formed Unicode' };
  return undefined;
}

/** Returns what is wrong with a timestamp, or undefined. */
export function timeFault(field: string, value: unknown, nowMs: number): ItemFault | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    return { field, message: `${shown(value)} is not a whole number of milliseconds since the Unix epoch` };
  }
  if (value > nowMs + FUTURE_MS_MAX) {
    return {
      field,
      message: `${String(value)} is ${String(value - nowMs)} ms in the future, allowed ${String(FUTURE_MS_MAX)}`,
    };
  }
  return undefined;
}

/** Returns what is wrong with a 0/1 label, or undefined. */
export function labelFault(value: unknown): ItemFault | undefined {
  return value === 0 || value === 1
    ? undefined
    : { field: 'label', message: `${shown(value)}, allowed 0 or 1` };
}

/**
 * Returns named features as a row in the order of the spec, missing ones null, or what is wrong with them. A name that the
 * model does not have is a fault: a typing error would otherwise be a feature silently missing for ever.
 */
export function rowOf(
  features: unknown,
  spec: readonly FeatureSpec[],
): { readonly row: readonly FeatureValue[] } | { readonly fault: ItemFault } {
  if (!isObject(features))
    return { fault: { field: 'features', message: `${shown(features)} is not an object` } };
  const names = Object.keys(features);
  const unknown = names.find((name) => !spec.some((feature) => feature.name === name));
  if (unknown !== undefined) {
    return { fault: { field: `features.${unknown.slice(0, 64)}`, message: 'is not a feature of the model' } };
  }
  const row = spec.map(({ name }) => (Object.hasOwn(features, name) ? features[name] : null) as FeatureValue);
  for (const [column, feature] of spec.entries()) {
    const fault = checkRow([row[column] ?? null], [feature]);
    if (fault === undefined) continue;
    return {
      fault: { field: `features.${feature.name}`, message: fault.replace(`feature ${feature.name}: `, '') },
    };
  }
  const ragged = row.findIndex((value) => typeof value === 'string' && !value.isWellFormed());
  if (ragged >= 0) {
    return {
      fault: {
        field: `features.${spec[ragged]?.name ?? ''}`,
        message: `is not well-formed Unicode of at most ${String(CATEGORICAL_LENGTH_MAX)} characters`,
      },
    };
  }
  return { row };
}
