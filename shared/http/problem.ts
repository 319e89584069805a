/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** One entry a fault, when there can be several: where, and what is wrong with it. */
  readonly errors?: readonly Fault[];
}

/** One thing wrong with an input: the field as a path, and what is wrong, with the value and the limit. */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  403: 'Forbidden',
  404: 'Not found',
  408: 'Request timeout',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Content too large',
  415: 'Unsupported media type',
  417: 'Expectation failed',
  421: 'Misdirected request',
  422: 'Unprocessable content',
  428: 'Precondition required',
  429: 'Too many requests',
  431: 'Request header fields too large',
  500: 'Internal error',
  503: 'Unavailable',
};

/** An answer that is not a success: thrown by routes and services, turned into a problem document in one place. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly faults: readonly Fault[];
  /** Seconds after which the client may try again; sent as Retry-After. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    detail: string,
    more: { faults?: readonly Fault[]; retryAfterSeconds?: number } = {},
  ) {
    super(detail);
    this.name = 'HttpProblem';
    this.status = status;
    this.faults = more.faults ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** Returns the problem document of a status. */
export function problemDocument(status: number, detail: string, faults: readonly Fault[] = []): Problem {
  const title = TITLES[status] ?? 'Error';
  return {
    type: 'about:blank',
    title,
    status,
    detail,
    ...(faults.length > 0 ? { errors: faults } : {}),
  };
}

/** Returns a problem document as the Open Inference Protocol has it: what is wrong is in `error`, too. */
export function withError(document: Problem): Problem & { readonly error: string } {
  return { ...document, error: document.detail };
}

/** Returns what a client is told about a bug of ours. */
export function ownMistake(): HttpProblem {
  return new HttpProblem(500, 'the service made a mistake; its log says which');
}

/** JSON schema of a problem document, for the OpenAPI description. */
export const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457 problem document.',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    error: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, message: { type: 'string' } },
        required: ['field', 'message'],
      },
    },
  },
} as const;
