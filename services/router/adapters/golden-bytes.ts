import { deserialize, serialize } from 'node:v8';
import type { Golden } from '../domain/complete-snapshot.ts';

/** Returns golden rows as bytes, which go from thread to thread for nothing. */
export function goldenBytes({ rows, scores }: Golden): Uint8Array<ArrayBuffer> {
  return new Uint8Array(serialize({ rows, scores }));
}

/** Golden rows that are made of their bytes when somebody asks for them: most snapshots come and go unlooked at. */
export class LazyGolden implements Golden {
  #bytes: Uint8Array | undefined;
  #golden: Golden | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get rows(): Golden['rows'] {
    return this.#made().rows;
  }

  get scores(): Golden['scores'] {
    return this.#made().scores;
  }

  #made(): Golden {
    this.#golden ??= deserialize(this.#bytes ?? new Uint8Array()) as Golden;
    this.#bytes = undefined;
    return this.#golden;
  }
}
