import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { FeedName, PageLive, Refused } from '../page-live.ts';
import { requireKnownHost } from './page-guard.ts';

/** What the live routes need. */
export interface LiveRoutesDeps {
  readonly hosts: ReadonlySet<string>;
  readonly live: PageLive;
}

const params = {
  type: 'object',
  properties: { model: { type: 'string', maxLength: 63 } },
  required: ['model'],
} as const;

function problemOf(refused: Refused, feed: FeedName): HttpProblem {
  switch (refused) {
    case 'unknown-model':
      return new HttpProblem(404, `model ${feed.kind === 'model' ? feed.model : ''} does not exist`);
    case 'too-many':
      return new HttpProblem(503, 'too many pages are open; PAGE_CONNECTIONS_MAX says how many may be', {
        retryAfterSeconds: 10,
      });
    case 'waiting':
      return new HttpProblem(503, 'the monitor has not read the version log yet', { retryAfterSeconds: 1 });
    case 'closing':
      return new HttpProblem(503, 'stopping', { retryAfterSeconds: 2 });
  }
}

/** Keeps the answer open and writes the feed to it until either side has gone. */
function follow(
  { live }: LiveRoutesDeps,
  feed: FeedName,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { raw } = reply;
  const id = request.headers['last-event-id'] ?? (request.query as { after?: string }).after;
  let begin: (() => void) | undefined = () => {
    reply.hijack();
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
  };
  const opened = live.open(feed, typeof id === 'string' ? id : undefined, {
    write(text) {
      begin?.(); // not before the connection is taken: a refusal is an answer of its own
      begin = undefined;
      return raw.write(text);
    },
    isFull: () => raw.writableLength > 0,
    end: () => {
      raw.end();
      if (raw.writableLength > 0) raw.destroy(); // the reader takes nothing: nothing is waited for
    },
  });
  if (typeof opened === 'string') throw problemOf(opened, feed);
  raw.on('close', opened);
  raw.on('error', opened);
}

/** Adds what the page follows: server-sent events under `/v1/live`, and the same as one JSON document. */
export function liveRoutes(app: FastifyInstance, deps: LiveRoutesDeps): void {
  function add(url: string, what: string, feedOf: (request: FastifyRequest) => FeedName): void {
    const schema = url.includes(':model') ? { params } : {};
    app.get(
      `/v1/live${url}`,
      {
        schema: {
          ...schema,
          querystring: {
            type: 'object',
            properties: {
              after: { type: 'string', maxLength: 64, description: 'As Last-Event-ID: what was seen last.' },
            },
          },
          summary: `${what}, and what changes of it, as server-sent events`,
        },
      },
      (request, reply) => {
        requireKnownHost(request, deps.hosts);
        follow(deps, feedOf(request), request, reply);
        return reply;
      },
    );
    app.get(`/v1/view${url}`, { schema: { ...schema, summary: `${what}, as of now` } }, (request) => {
      requireKnownHost(request, deps.hosts);
      const feed = feedOf(request);
      const found = deps.live.now(feed);
      if (typeof found === 'string') throw problemOf(found, feed);
      return found.view;
    });
  }
  add('/overview', 'All models, a row each', () => ({ kind: 'overview' }));
  add('/stream', 'Consumers, partitions and dead letters', () => ({ kind: 'stream' }));
  add('/models/:model', 'Everything of a model: state, figures, series over time', ({ params: given }) => ({
    kind: 'model',
    model: (given as { model: string }).model,
  }));
}
