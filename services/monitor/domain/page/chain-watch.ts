import type { ModelVersionEvent } from '../../../../shared/domain/events.ts';
import { chainFault, GENESIS_HASH } from '../../../../shared/domain/version-chain.ts';
import type { ChainEnd } from '../../../../shared/domain/version-chain.ts';
import type { ChainStatus } from './messages.ts';

/** Follows the version log's chain of hashes from its first event on. */
export class ChainWatch {
  readonly #sha256: (text: string) => string;
  #end: ChainEnd = { sequence: 0, hash: GENESIS_HASH };
  #fault: string | null = null;

  constructor(sha256: (text: string) => string) {
    this.#sha256 = sha256;
  }

  /** Takes the next event of the log. After a broken link nothing more is followed. */
  take(event: ModelVersionEvent): void {
    if (this.#fault !== null || event.sequence <= this.#end.sequence) return;
    this.#fault = chainFault(this.#end, event, this.#sha256) ?? null;
    if (this.#fault === null) this.#end = { sequence: event.sequence, hash: event.hash };
  }

  status(): ChainStatus {
    return { events: this.#end.sequence, hash: this.#end.hash, fault: this.#fault };
  }
}
