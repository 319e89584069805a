import { traceparentOf } from '../../../shared/domain/traceparent.ts';
import { BINARY_HEADER } from '../domain/infer-parameters.ts';
import { VERSION_HEADER } from '../domain/wanted.ts';

/** Requests that may be plain: `POST /v1/models/{model}/predict` and `POST /v2/models/{model}/infer`. */
export type PlainKind = 'predict' | 'infer';

/** What the head of a plain request says. */
export interface PlainHead {
  readonly kind: PlainKind;
  readonly model: string;
  /** Length of the body, bytes; at least 1. */
  readonly length: number;
  readonly traceparent: string | undefined;
}

/** Media types of a plain request. */
export const JSON_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/json; charset=utf-8',
]);

/** What a request without a media type is taken for: the Open Inference Protocol asks for none. */
const DEFAULT_TYPE: Readonly<Record<PlainKind, string>> = { predict: '', infer: 'application/json' };

const REQUEST_LINE = /^POST \/v([12])\/models\/([a-z][a-z0-9-]{0,62})\/(predict|infer) HTTP\/1\.1$/;
const KIND_OF: Readonly<Record<string, PlainKind>> = { '1predict': 'predict', '2infer': 'infer' };
/** A field of printable ASCII; no value is empty, continued on another line, or begins or ends with a blank. */
const FIELD = /^([a-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([!-~](?:[ -~]*[!-~])?)[ \t]*$/i;
const LENGTH_DIGITS_MAX = 9;
const LENGTH = new RegExp(`^[1-9][0-9]{0,${String(LENGTH_DIGITS_MAX - 1)}}$`);
const FIELDS_MAX = 64;

/** Fields of which a request may have one. */
const SINGLE: ReadonlySet<string> = new Set(['host', 'content-length', 'content-type', 'traceparent']);
/** Fields that make of a request something else: another framing, another protocol, another version, another coding, more than JSON. */
const NEVER: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'trailer',
  'expect',
  'upgrade',
  'http2-settings',
  'proxy-connection',
  'content-encoding',
  BINARY_HEADER,
  VERSION_HEADER,
]);

/**
 * Returns what the head of a request for predictions says; undefined for every head that is not of the plainest kind. Nothing is
 * refused or tolerated here: what this does not read is Node's to read. What it does read means to Node the same (RFC 9112,
 * 6: one Content-Length, no Transfer-Encoding).
 *
 * @param text the head as Latin-1, from the first byte of the request line up to the empty line, without it
 */
export function parsePlainHead(text: string): PlainHead | undefined {
  const [requestLine = '', ...lines] = text.split('\r\n');
  const [, api = '', model = '', verb = ''] = REQUEST_LINE.exec(requestLine) ?? [];
  const kind = KIND_OF[api + verb];
  if (kind === undefined || lines.length > FIELDS_MAX) return undefined;
  const single = new Map<string, string>();
  for (const line of lines) {
    const [, given = '', value = ''] = FIELD.exec(line) ?? [];
    const name = given.toLowerCase();
    if (name === '' || NEVER.has(name)) return undefined;
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined;
    if (!SINGLE.has(name)) continue;
    if (single.has(name)) return undefined;
    single.set(name, value);
  }
  const length = single.get('content-length') ?? '';
  if (!single.has('host') || !LENGTH.test(length)) return undefined;
  const type = single.get('content-type') ?? DEFAULT_TYPE[kind];
  if (!JSON_TYPES.has(type)) return undefined;
  return { kind, model, length: Number(length), traceparent: traceparentOf(single.get('traceparent')) };
}

const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_BYTES_MAX = 8192;
/** Longest head that is remembered, bytes. */
const REMEMBERED_BYTES_MAX = 512;
const LENGTH_FIELD = /\r\ncontent-length:[ \t]*/i;
const [ZERO, NINE] = [0x30, 0x39];

/** A head that was read, in two pieces: what is before the digits of its length, and what is behind them up to the body. */
interface KnownHead {
  readonly before: Uint8Array;
  readonly behind: Uint8Array;
  readonly head: PlainHead;
}

/**
 * Reads the heads of one connection, as `parsePlainHead` does. A client's heads are the same again and again but for the digits of
 * their lengths: the last one is remembered, and of one that is this one byte for byte only the digits are read. Heads with a trace
 * context are each another one and not remembered.
 */
export class HeadReader {
  #known: KnownHead | undefined;
  #bodyFrom = 0;

  /** Where the body begins behind the head that was read last. */
  get bodyFrom(): number {
    return this.#bodyFrom;
  }

  /**
   * Returns what the head at the front says; undefined when it is not plain, or not all of it is there.
   *
   * @param length how many of the bytes there are; what is behind them is not looked at
   */
  read(bytes: Buffer, length = bytes.length): PlainHead | undefined {
    return this.#readAgain(bytes, length) ?? this.#readAnew(bytes.subarray(0, length));
  }

  #readAnew(bytes: Buffer): PlainHead | undefined {
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd <= 0 || headEnd > HEAD_BYTES_MAX) return undefined;
    const text = bytes.toString('latin1', 0, headEnd);
    const head = parsePlainHead(text);
    this.#bodyFrom = headEnd + HEAD_END.length;
    if (head?.traceparent === undefined && this.#bodyFrom <= REMEMBERED_BYTES_MAX)
      this.#known = head === undefined ? undefined : this.#knownHead(bytes, text, head);
    return head;
  }

  #knownHead(bytes: Buffer, text: string, head: PlainHead): KnownHead | undefined {
    const field = LENGTH_FIELD.exec(text);
    if (field === null) return undefined;
    const from = field.index + field[0].length;
    const to = from + String(head.length).length;
    const copy = Uint8Array.from(bytes.subarray(0, this.#bodyFrom)); // what was read may be memory of much more
    return { before: copy.subarray(0, from), behind: copy.subarray(to), head };
  }

  #readAgain(bytes: Uint8Array, end: number): PlainHead | undefined {
    const known = this.#known;
    if (known === undefined || !areAt(bytes, 0, end, known.before)) return undefined;
    let at = known.before.length;
    if (bytes[at] === ZERO) return undefined;
    let length = 0;
    for (const most = at + LENGTH_DIGITS_MAX; at < most; at++) {
      const digit = bytes[at] ?? 0;
      if (digit < ZERO || digit > NINE) break;
      length = 10 * length + digit - ZERO;
    }
    if (length === 0 || !areAt(bytes, at, end, known.behind)) return undefined;
    this.#bodyFrom = at + known.behind.length;
    return length === known.head.length ? known.head : { ...known.head, length };
  }
}

function areAt(bytes: Uint8Array, from: number, end: number, some: Uint8Array): boolean {
  if (end < from + some.length) return false;
  for (let i = 0; i < some.length; i++) if (bytes[from + i] !== some[i]) return false;
  return true;
}
