import type { Rng } from '../../../shared/domain/rng.ts';

/** Texts of values that a careless reader trips over; some are no JSON. */
const ODD_VALUES: readonly string[] = [
  'null',
  'true',
  '-0',
  '1e308',
  '1e999',
  '-1',
  '0.1',
  '9007199254740993',
  '123456789012345678901234567890',
  'NaN',
  'Infinity',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\ufeff"',
  `"${'x'.repeat(300)}"`,
  '[]',
  '[[]]',
  '{}',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":{}}}',
  `${'['.repeat(500)}${']'.repeat(500)}`,
  `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`,
  '[1,2,3]',
  '"a","b":1',
  'undefined',
  "'a'",
];
const ODD_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  '',
  'toString',
  'inputs',
  'id',
  'Ω',
  '\u0000',
];

const pick = <Value>(rng: Rng, values: readonly Value[], otherwise: Value): Value =>
  values[rng.int(values.length)] ?? otherwise;

/** Writes a JSON value with some of its parts replaced, left out, renamed or doubled. */
function writeWith(value: unknown, rng: Rng, rate: number): string {
  if (rng.next() < rate) return pick(rng, ODD_VALUES, 'null');
  if (Array.isArray(value)) {
    const items = value.filter(() => rng.next() >= rate / 2).map((one) => writeWith(one, rng, rate));
    if (rng.next() < rate) items.push(...items);
    return `[${items.join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields: string[] = [];
  for (const [name, one] of Object.entries(value)) {
    if (rng.next() < rate / 2) continue;
    const renamed = rng.next() < rate / 2 ? pick(rng, ODD_NAMES, '') : name;
    fields.push(`${JSON.stringify(renamed)}:${writeWith(one, rng, rate)}`);
    if (rng.next() < rate / 2) fields.push(`${JSON.stringify(name)}:${writeWith(one, rng, rate)}`);
  }
  return `{${fields.join(',')}}`;
}

/** Returns bytes with some of them changed, put in, left out, doubled or cut off. */
export function mutateBytes(bytes: Buffer, rng: Rng): Buffer {
  let mutated = bytes;
  for (let times = 1 + rng.int(4); times > 0; times -= 1) {
    const at = rng.int(mutated.length + 1);
    const [head, tail] = [mutated.subarray(0, at), mutated.subarray(at)];
    const byte = Buffer.from([rng.int(256)]);
    switch (rng.int(6)) {
      case 0:
        mutated = Buffer.concat([head, byte, tail.subarray(1)]);
        break;
      case 1:
        mutated = Buffer.concat([head, byte, tail]);
        break;
      case 2:
        mutated = Buffer.concat([head, tail.subarray(1 + rng.int(8))]);
        break;
      case 3:
        mutated = Buffer.concat([head, tail.subarray(0, rng.int(64)), tail]);
        break;
      case 4:
        mutated = Buffer.concat([
          head,
          Buffer.from(pick(rng, ['\r\n', '\0', ': ', '\u2028', '%'], '')),
          tail,
        ]);
        break;
      default:
        if (rng.next() < 0.3) mutated = head;
    }
  }
  return mutated;
}

/** Returns the bytes of a JSON value that was tampered with: in its parts, in its text, or both. */
export function mutateJson(value: unknown, rng: Rng): Buffer {
  const way = rng.next();
  const text = Buffer.from(
    way < 0.25 ? JSON.stringify(value) : writeWith(value, rng, 0.02 + rng.next() * 0.2),
  );
  return way < 0.5 ? mutateBytes(text, rng) : text;
}
