import type { ServiceName } from '../../deploy/fleet/fleet.ts';
import { smallEvent, smallSpec } from '../support/small-model.ts';

/** A request that must be refused, and the exact words of the refusal. */
export interface BadRequest {
  readonly name: string;
  readonly service: ServiceName;
  readonly method?: string;
  readonly path: string;
  /** JSON is made of anything but a string or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** The problem's `detail`. */
  readonly detail: string;
}

export const MODEL = 'bad-input';
export const YEAR_3000_MS = 32_503_680_000_000;
export const ndjson = { 'content-type': 'application/x-ndjson' };

export function event(name: string, more: object, detail: string): BadRequest {
  return {
    name: `event: ${name}`,
    service: 'ingest',
    path: `/v1/models/${MODEL}/events`,
    body: smallEvent(0, more),
    status: 400,
    detail,
  };
}

export function eventBody(
  name: string,
  body: unknown,
  status: number,
  detail: string,
  headers: Record<string, string> = {},
): BadRequest {
  return {
    name: `events: ${name}`,
    service: 'ingest',
    path: `/v1/models/${MODEL}/events`,
    body,
    status,
    detail,
    headers,
  };
}

export function label(name: string, body: object, detail: string): BadRequest {
  return {
    name: `label: ${name}`,
    service: 'ingest',
    path: `/v1/models/${MODEL}/labels`,
    body,
    status: 400,
    detail,
  };
}

export function predict(name: string, more: object, detail: string): BadRequest {
  const body = { subject: 'someone', features: { colour: 'red' }, ...more };
  return {
    name: `predict: ${name}`,
    service: 'router',
    path: `/v1/models/${MODEL}/predict`,
    body,
    status: 400,
    detail,
  };
}

export function spec(name: string, more: object, detail: string): BadRequest {
  return {
    name: `spec: ${name}`,
    service: 'registry',
    path: '/v1/models',
    body: smallSpec('new-model', more),
    status: 422,
    detail,
  };
}

export function registry(
  name: string,
  method: string,
  path: string,
  rest: Pick<BadRequest, 'status' | 'detail' | 'body' | 'headers'>,
): BadRequest {
  return { name: `registry: ${name}`, service: 'registry', method, path, ...rest };
}
