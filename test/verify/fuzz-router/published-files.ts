import type { Rng } from '../../../shared/domain/rng.ts';
import { HOSTILE_FILES, hungryFile, logisticFile, lookUpFile } from '../../support/onnx-files.ts';
import type { System } from '../../support/system.ts';
import { FUZZED_MODEL } from './inputs.ts';
import { mutateBytes } from './mutate.ts';

/** What became of published files that were tampered with. */
export interface FileCounts {
  files: number;
  /** Refused with a problem document. */
  refused: number;
  /** Sound enough to become a version: each was asked by a router, and retired. */
  published: number;
  faults: string[];
}

const SIGNATURES = [
  { inputs: [{ name: 'X', features: ['size', 'isNew'] }], output: { name: 'p', column: 0 } },
  { inputs: [{ name: 'colour', features: ['colour'] }], output: { name: 'p', column: 0 } },
];

/** Files that are ended by the clock take seconds each. */
const SLOW = new Set(['no end']);

function nextFile(rng: Rng): { readonly file: Uint8Array; readonly signature: object } {
  const hostile = Object.entries(HOSTILE_FILES).flatMap(([name, make]) => (SLOW.has(name) ? [] : [make]));
  const makers = [
    () => logisticFile([1, -1]),
    () => hungryFile([1, 1]),
    () => lookUpFile({ red: 1, blue: -1 }),
    ...hostile,
  ];
  const index = rng.int(makers.length);
  const file = Buffer.from(makers[index]?.() ?? []);
  const signature = SIGNATURES[index === 2 ? 1 : 0] ?? {};
  return { file: rng.next() < 0.9 ? mutateBytes(file, rng) : file, signature };
}

/** Publishes seeded files, whole ones and ones that were tampered with, one after the other, and asks a router for those that became versions. */
export async function publishFiles(system: System, count: number, rng: Rng): Promise<FileCounts> {
  const counts: FileCounts = { files: 0, refused: 0, published: 0, faults: [] };
  const model = `${system.url('registry')}/v1/models/${FUZZED_MODEL}`;
  const predict = `${system.url('router')}/v1/models/${FUZZED_MODEL}/predict`;

  async function tryVersion(version: string): Promise<void> {
    for (const size of [0, 1, 5]) {
      const ask = { subject: 'ada', features: { colour: 'red', size, isNew: true } };
      const { status } = await system.http.send('POST', predict, ask, { 'headrace-version': version });
      if (![200, 404, 503].includes(status))
        counts.faults.push(`version ${version} of a file: ${String(status)}`);
    }
    const { status, body } = await system.http.send('POST', `${model}/versions/${version}/retire`, {});
    if (status !== 200) counts.faults.push(`retiring ${version}: ${String(status)} ${JSON.stringify(body)}`);
  }

  for (; counts.files < count; counts.files += 1) {
    const { file, signature } = nextFile(rng);
    const onnx = Buffer.from(file).toString('base64');
    const { status, body } = await system.http.send('POST', `${model}/versions/published`, {
      onnx,
      signature,
    });
    const told = body as { readonly type?: unknown; readonly detail?: unknown; readonly version?: number };
    if (status === 201) {
      counts.published += 1;
      await tryVersion(String(told.version));
    } else if ([400, 422].includes(status) && told.type === 'about:blank' && told.detail !== undefined) {
      counts.refused += 1;
    } else counts.faults.push(`file ${String(counts.files)}: ${String(status)} ${JSON.stringify(body)}`);
  }
  return counts;
}
