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
const LENGTH = /^[1-9][0-9]{0,8}$/;
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

/** Heads that are remembered: so many, of at most so many characters each. */
const REMEMBERED_MAX = 1024;
const REMEMBERED_LENGTH_MAX = 512;

/**
 * Returns `parsePlainHead` with a memory: a client's heads are the same again and again but for a few lengths. Heads with a
 * trace context are each another one and not remembered.
 */
export function createHeadReader(): (text: string) => PlainHead | undefined {
  const remembered = new Map<string, PlainHead>();
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const head = parsePlainHead(text);
    if (head === undefined || head.traceparent !== undefined || text.length > REMEMBERED_LENGTH_MAX)
      return head;
    if (remembered.size === REMEMBERED_MAX) remembered.clear();
    remembered.set(text, head);
    return head;
  };
}
