/**
 * Every way the world can fail us, as one closed union. ARCHITECTURE.md lists the same codes and a test
 * compares the two.
 */
export type ErrorCode =
  | 'config-invalid'
  | 'kafka-unavailable'
  | 'kafka-topic-missing'
  | 'kafka-fenced'
  | 'redis-unavailable'
  | 'redis-fenced'
  | 'schema-registry-unavailable'
  | 'schema-missing'
  | 'schema-incompatible'
  | 'checkpoint-damaged'
  | 'stack-unavailable';

/** What a HeadraceError carries besides its message. */
export interface HeadraceErrorDetail {
  readonly code: ErrorCode;
  /** True when the same call may succeed later without anyone changing anything. */
  readonly retriable: boolean;
  readonly cause?: unknown;
}

/** A failure of the world around the process: named by a code, marked retriable or not, with its cause. */
export class HeadraceError extends Error {
  readonly code: ErrorCode;
  readonly retriable: boolean;

  constructor(message: string, detail: HeadraceErrorDetail) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'HeadraceError';
    this.code = detail.code;
    this.retriable = detail.retriable;
  }
}

/** Returns whether `error` is a failure that may pass by itself. */
export function isRetriable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retriable' in error && error.retriable === true;
}

/** Returns whether `error` says that somebody else has taken over what was to be written. */
export function isFenced(error: unknown): boolean {
  return error instanceof HeadraceError && error.code === 'redis-fenced';
}

/** Returns the message of anything thrown, whatever it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
