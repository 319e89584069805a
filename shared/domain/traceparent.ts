const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Returns a trace context as W3C's Trace Context has it, undefined when it is not one. */
export function traceparentOf(given: unknown): string | undefined {
  return typeof given === 'string' && TRACEPARENT.test(given) ? given : undefined;
}

/** Whether a client wants a trace to be recorded. */
function isSampled(traceparent: string | undefined): boolean {
  return traceparent !== undefined && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
}

/** Returns which of two trace contexts goes on where there is room for one: the first, unless only the second is sampled. */
export function tracedOne(first: string | undefined, second: string | undefined): string | undefined {
  return first === undefined || (isSampled(second) && !isSampled(first)) ? second : first;
}
