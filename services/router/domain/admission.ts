/** How many requests may be under way at the moment. Immutable; moves by `nextAdmission`. */
export interface Admission {
  readonly limit: number;
}

/** The settings of admission. */
export interface AdmissionRule {
  /** Most requests under way, ever. */
  readonly requestsMax: number;
  /** Most bytes that the bodies of requests under way may take. */
  readonly bytesMax: number;
  /** The longest that the event loop may be held up, ms, before fewer requests are let in. */
  readonly delayMaxMs: number;
}

/** What was seen since the admission before. */
export interface AdmissionWindow {
  /** Most requests that were under way at once. */
  readonly mostUnderWay: number;
  /** The longest that the event loop was held up, or that a request waited for its turn, ms. */
  readonly delayMs: number;
}

/** So many requests are let in whatever the delay: a pause of the machine must not refuse anybody who is alone. */
export const UNDER_WAY_MIN = 64;
/** By what part the limit grows in a window that had time to spare. */
const GROWTH = 0.1;
/** The part of the allowed delay from which on there is none to spare. */
const STRAINED = 0.8;

/** The part of the room that is free which one body may take. */
const SHARE_OF_FREE = 1 / 8;

/** Returns the admission of a router that has seen nothing. */
export function openAdmission({ requestsMax }: AdmissionRule): Admission {
  return { limit: requestsMax };
}

/** Returns whether one more request is let in. */
export function isAdmitted({ limit }: Admission, underWay: number): boolean {
  return underWay < limit;
}

/**
 * Returns whether the body of one more request may be taken: it may have an eighth of what is free, so that large bodies leave room
 * for small ones, and clients that say that they will send much keep nobody else out. A body may have all when there is no other.
 */
export function hasRoom(
  bytes: number,
  bytesUnderWay: number,
  { bytesMax }: Pick<AdmissionRule, 'bytesMax'>,
): boolean {
  return bytesUnderWay === 0 || bytes <= (bytesMax - bytesUnderWay) * SHARE_OF_FREE;
}

/**
 * Returns the admission after a window. What is under way at once is worked off one after the other, so a delay that
 * is k times too long means k times too many: the limit becomes what would have taken the allowed time. It grows by a tenth
 * in every window whose delay was well below the allowed one.
 */
export function nextAdmission(
  { limit }: Admission,
  { mostUnderWay, delayMs }: AdmissionWindow,
  { requestsMax, delayMaxMs }: Pick<AdmissionRule, 'requestsMax' | 'delayMaxMs'>,
): Admission {
  const least = Math.min(UNDER_WAY_MIN, requestsMax);
  if (delayMs > delayMaxMs) {
    const bearable = Math.floor((mostUnderWay * delayMaxMs) / delayMs);
    return { limit: Math.max(least, Math.min(limit, bearable)) };
  }
  const isStrained = delayMs > STRAINED * delayMaxMs;
  if (limit === requestsMax || isStrained) return { limit };
  return { limit: Math.min(requestsMax, limit + Math.max(1, Math.floor(limit * GROWTH))) };
}
