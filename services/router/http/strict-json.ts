import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';

/**
 * Makes JSON the only body the app takes, and refuses one that is not valid UTF-8: decoding would put a replacement
 * character into a feature without anybody noticing.
 */
export function takeOnlyStrictJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (isUtf8(body)) void parse(request, body.toString('utf8'), done);
    else done(new HttpProblem(400, 'the body is not valid UTF-8'), undefined);
  });
}
