/* The program of a sandbox: it is started by sandbox.ts with its memory limit and speaks to it alone. */
import { Worker } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { InputColumns, PublishedOutput } from '../domain/published-model.ts';
import { messageOf } from '../errors.ts';
import { inspectOnnx } from './inspect-onnx.ts';
import { TOO_MUCH_MEMORY } from './sandbox-messages.ts';
import type { SandboxAsk, SandboxReply, SandboxRequest, SandboxScores } from './sandbox-messages.ts';

/** How often memory and the parent are looked at, ms. */
const WATCH_MS = 25;

/**
 * ONNX Runtime keeps this thread busy for as long as a run takes, and a hostile graph may run for ever: another thread ends the
 * process when it has too much memory or its parent is gone.
 */
const WATCH = `
const { writeSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
setInterval(() => {
  const isLarge = process.memoryUsage.rss() > workerData.memoryBytes;
  if (isLarge) writeSync(2, workerData.words);
  if (isLarge || process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, ${String(WATCH_MS)});
`;

let loaded: { readonly session: InferenceSession; readonly output: PublishedOutput } | undefined;

async function load(file: Uint8Array, output: PublishedOutput): Promise<void> {
  await loaded?.session.release();
  loaded = undefined;
  const session = await InferenceSession.create(file, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
  });
  loaded = { session, output };
}

function tensorOf({ type, data, dims }: InputColumns): Tensor {
  return new Tensor(type, data, dims); // the parent pairs types and arrays
}

/** Returns a column of an output: one number a row. */
function columnOf(tensor: Tensor | undefined, column: number, rows: number): Float64Array {
  const { type, dims, data } = tensor ?? { type: 'nothing', dims: [], data: [] };
  const [found = 0, width = 1] = dims;
  const isShaped = dims.length >= 1 && dims.length <= 2 && found === rows && column < width;
  if ((type !== 'float32' && type !== 'float64') || !isShaped) {
    const shape = `${type} [${dims.join(', ')}]`;
    throw new RangeError(
      `the output is ${shape}, allowed float32 or float64 [${String(rows)}, more than ${String(column)}]`,
    );
  }
  return Float64Array.from({ length: rows }, (_, row) => Number(data[row * width + column]));
}

async function score(columns: readonly InputColumns[]): Promise<SandboxScores> {
  if (loaded === undefined) throw new RangeError('no file is loaded');
  const { session, output } = loaded;
  const feeds = Object.fromEntries(columns.map((one) => [one.name, tensorOf(one)]));
  const beganMs = performance.now();
  const results = await session.run(feeds, [output.name]);
  const durationMs = performance.now() - beganMs;
  return { scores: columnOf(results[output.name], output.column, columns[0]?.dims[0] ?? 0), durationMs };
}

function answerTo(ask: SandboxAsk): unknown {
  switch (ask.kind) {
    case 'inspect':
      return inspectOnnx(ask.file);
    case 'load':
      return load(ask.file, ask.output);
    case 'score':
      return score(ask.columns);
  }
}

async function reply({ id, ask }: SandboxRequest): Promise<SandboxReply> {
  try {
    return { id, answer: await answerTo(ask) };
  } catch (error) {
    return { id, fault: messageOf(error).slice(0, 500) };
  }
}

const memoryBytes = Number(process.argv[2]) * 1024 * 1024;
new Worker(WATCH, {
  eval: true,
  workerData: { memoryBytes, parent: process.ppid, words: TOO_MUCH_MEMORY },
  resourceLimits: { codeRangeSizeMb: 16, maxOldGenerationSizeMb: 32 }, // it would reserve half a gigabyte otherwise
});
process.on('disconnect', () => process.exit());
process.on('message', (request: SandboxRequest) => {
  void reply(request).then((message) => process.send?.(message));
});
