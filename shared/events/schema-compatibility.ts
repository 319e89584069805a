import avro from 'avsc';
import type { Schema } from 'avsc';
import { messageOf } from '../errors.ts';

/** One reason why two schemas cannot read each other's records. */
export interface Incompatibility {
  /** Registered version it clashes with, 1 …. */
  readonly version: number;
  readonly direction: 'new cannot read old' | 'old cannot read new';
  /** What exactly, with the field's name. */
  readonly detail: string;
}

function readFault(reader: Schema, writer: Schema): string | undefined {
  try {
    avro.Type.forSchema(reader).createResolver(avro.Type.forSchema(writer));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Returns every way in which a schema breaks FULL_TRANSITIVE: it must read what every earlier version wrote, and every
 * earlier version must read what it writes. Empty when it is compatible.
 */
export function incompatibilities(
  next: Schema,
  earlier: readonly { version: number; schema: Schema }[],
): Incompatibility[] {
  return earlier.flatMap(({ version, schema }) => {
    const found: Incompatibility[] = [];
    const forward = readFault(next, schema);
    if (forward !== undefined) found.push({ version, direction: 'new cannot read old', detail: forward });
    const backward = readFault(schema, next);
    if (backward !== undefined) found.push({ version, direction: 'old cannot read new', detail: backward });
    return found;
  });
}
