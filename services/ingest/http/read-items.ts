import type { Readable } from 'node:stream';
import { messageOf } from '../../../shared/errors.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { GivenItem } from '../service.ts';

/** Limits of one request. */
export interface ItemLimits {
  /** Bytes of a JSON body, or of one line. */
  readonly bodyBytes: number;
  readonly lineBytes: number;
  readonly itemsMax: number;
}

function tooMany(limits: ItemLimits): HttpProblem {
  return new HttpProblem(
    413,
    `the body has more than ${String(limits.itemsMax)} items; send them in several requests`,
  );
}

function parseLine(line: Buffer): GivenItem {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line)) as unknown };
  } catch (error) {
    return { malformed: `is not JSON in UTF-8: ${messageOf(error)}` };
  }
}

/** Returns the items of a JSON body: one object, or an array of them. */
export function itemsOfJson(body: unknown, limits: ItemLimits): GivenItem[] {
  const values: unknown[] = Array.isArray(body) ? body : [body];
  if (values.length === 0) throw new HttpProblem(400, 'the body is an empty array');
  if (values.length > limits.itemsMax) throw tooMany(limits);
  return values.map((value) => ({ value }));
}

/**
 * Yields the items of an NDJSON stream, a line each, in groups of at most `groupSize`. A line that is not JSON is an item
 * that is refused; one longer than the limit ends the request. Reads no faster than the groups are taken.
 */
export async function* itemsOfNdjson(
  stream: Readable,
  limits: ItemLimits,
  groupSize: number,
): AsyncGenerator<GivenItem[]> {
  let rest = Buffer.alloc(0);
  let group: GivenItem[] = [];
  let count = 0;
  const take = (line: Buffer): void => {
    if (line.length > limits.lineBytes) {
      throw new HttpProblem(
        413,
        `line ${String(count + 1)} has ${String(line.length)} bytes, allowed ${String(limits.lineBytes)}`,
      );
    }
    if (line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return;
    count += 1;
    if (count > limits.itemsMax) throw tooMany(limits);
    group.push(parseLine(line));
  };
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      take(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      if (group.length >= groupSize) {
        yield group;
        group = [];
      }
    }
    if (rest.length > limits.lineBytes) take(rest);
  }
  take(rest);
  if (group.length > 0) yield group;
  if (count === 0) throw new HttpProblem(400, 'the body has no items');
}
