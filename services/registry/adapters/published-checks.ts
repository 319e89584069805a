import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { inputColumns } from '../../../shared/domain/published-model.ts';
import type { PublishedInput, PublishedModel } from '../../../shared/domain/published-model.ts';
import { messageOf } from '../../../shared/errors.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { openSandbox } from '../../../shared/onnx/sandbox.ts';
import type { Sandbox } from '../../../shared/onnx/sandbox.ts';
import type { SandboxScores } from '../../../shared/onnx/sandbox-messages.ts';
import { fileFaults, probeFault, probeRow, signatureFaults, typedInputs } from '../domain/published-ask.ts';
import type { FileParts, Signature } from '../domain/published-ask.ts';
import type { SpecFault } from '../domain/spec-fault.ts';

/** Rows that the probe is scored in together. */
const BATCH_ROWS = 3;

/** What an operator wants published. */
export interface PublishedAsk {
  readonly file: Uint8Array;
  readonly signature: Signature;
  /** A row by feature that the file is tried with; undefined for zeros and empty strings. */
  readonly probe: unknown;
}

/** Limits of a check. */
export interface CheckLimits {
  readonly fileBytesMax: number;
  readonly memoryMb: number;
  /** Of each step: reading, loading, scoring. */
  readonly stepMs: number;
}

/** What checking gives: how the file is to be served, or everything that is wrong. */
export type Checked =
  | { readonly ok: true; readonly value: PublishedModel }
  | { readonly ok: false; readonly faults: readonly SpecFault[] };

/** Checks a file against a model's spec. */
export type CheckPublished = (spec: ModelSpec, ask: PublishedAsk) => Promise<Checked>;

const refused = (faults: readonly SpecFault[]): Checked => ({ ok: false, faults });

/**
 * Returns what checks files from elsewhere: read, loaded and run in a process of its own with limits, which ends with the check.
 * One file is checked at a time.
 */
export function createPublishedChecks(limits: CheckLimits): CheckPublished {
  const { fileBytesMax, memoryMb, stepMs } = limits;
  let before: Promise<unknown> = Promise.resolve();

  async function inSandbox(sandbox: Sandbox, spec: ModelSpec, asked: PublishedAsk): Promise<Checked> {
    const { file, signature } = asked;
    const probe = probeRow(asked.probe, spec);
    const parts = (await sandbox.ask({ kind: 'inspect', file }, stepMs)) as FileParts;
    const faults = [
      ...fileFaults(parts),
      ...signatureFaults(signature, parts, spec),
      ...('fault' in probe ? [probe.fault] : []),
    ];
    if (faults.length > 0 || 'fault' in probe) return refused(faults);
    const inputs = typedInputs(signature, parts);
    const { output } = signature;
    await sandbox.ask({ kind: 'load', file, output }, stepMs);
    const [alone] = await scoresOf(sandbox, { inputs, spec, rows: [probe.row] });
    const rows = Array.from({ length: BATCH_ROWS }, () => probe.row);
    const fault = probeFault(alone, await scoresOf(sandbox, { inputs, spec, rows }));
    if (alone === undefined || fault !== undefined) return refused(fault === undefined ? [] : [fault]);
    const digest = sha256Hex([file]);
    const value = { digest, sizeBytes: file.length, inputs, output, probe: { row: probe.row, score: alone } };
    return { ok: true, value };
  }

  async function scoresOf(
    sandbox: Sandbox,
    {
      inputs,
      spec,
      rows,
    }: {
      readonly inputs: readonly PublishedInput[];
      readonly spec: ModelSpec;
      readonly rows: readonly PublishedModel['probe']['row'][];
    },
  ): Promise<number[]> {
    const columns = inputColumns(inputs, spec.features, rows);
    const { scores } = (await sandbox.ask({ kind: 'score', columns }, stepMs)) as SandboxScores;
    return [...scores];
  }

  async function check(spec: ModelSpec, asked: PublishedAsk): Promise<Checked> {
    const bytes = asked.file.length;
    if (bytes < 1 || bytes > fileBytesMax)
      return refused([
        { field: 'onnx', message: `${String(bytes)} bytes, allowed 1 … ${String(fileBytesMax)}` },
      ]);
    const sandbox = openSandbox(memoryMb);
    try {
      return await inSandbox(sandbox, spec, asked);
    } catch (error) {
      return refused([{ field: 'onnx', message: `cannot be served: ${messageOf(error)}` }]);
    } finally {
      sandbox.close();
    }
  }

  return (spec, asked) => {
    const checking = before.then(() => check(spec, asked));
    before = checking;
    return checking;
  };
}
