import { createRng } from '../../../shared/domain/rng.ts';
import { messageOf } from '../../../shared/errors.ts';
import { defineProgram } from '../../support/programs.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import { callGrpc } from './grpc-calls.ts';
import { FAMILY_NAMES, FUZZED_MODEL, nextInput } from './inputs.ts';
import type { FamilyName, FuzzInput } from './inputs.ts';
import { judgeAnswer } from './judge-answer.ts';
import { createLane } from './lane.ts';
import { publishFiles } from './published-files.ts';
import { watchRouter } from './router-watch.ts';

/** Failed inputs that are kept to be looked at. */
const KEPT_MAX = 20;

/** What became of the inputs of one family. */
interface FamilyCounts {
  inputs: number;
  /** Sound enough to be answered with a success. */
  taken: number;
  problems: number;
  /** Connections that were closed without a word: only bytes that are no whole HTTP request may be. */
  unanswered: number;
  faults: number;
}

/** An input whose answer was neither a success nor a problem document. */
interface Failure {
  readonly index: number;
  readonly family: FamilyName;
  readonly fault: string;
  readonly bytes: string;
}

/** Sends seeded malformed inputs to a router's process and judges every answer. */
export const program = defineProgram({
  about:
    'Malformed HTTP, JSON, Open Inference Protocol, NDJSON, gRPC and ONNX: no crash, no stall, every refusal a problem document.',
  options: {
    inputs: { default: 1_000_000, min: 1, max: 100_000_000, help: 'inputs in all' },
    calls: { default: 100_000, min: 0, max: 100_000_000, help: 'gRPC calls beside them' },
    files: { default: 500, min: 0, max: 100_000, help: 'published files beside them' },
    seed: { default: 1, min: 0, max: 2 ** 31, help: 'seed of the inputs' },
    lanes: { default: 16, min: 1, max: 256, help: 'connections at a time' },
  },
  async run({ inputs, calls, files, seed, lanes }, say) {
    const system = await startSystem({
      instances: { ingest: 0, monitor: 0 },
      env: { PUBLISHED_MEMORY_MB: '256', PUBLISHED_CHECK_MS: '3000' },
    });
    try {
      await serveSmallModel(system, FUZZED_MODEL);
      const router = system.fleet.one('router');
      const port = Number(new URL(router.url).port);
      const watch = await watchRouter(router);
      const rng = createRng(seed);
      const counts = Object.fromEntries(
        FAMILY_NAMES.map((name): [FamilyName, FamilyCounts] => [
          name,
          { inputs: 0, taken: 0, problems: 0, unanswered: 0, faults: 0 },
        ]),
      ) as Record<FamilyName, FamilyCounts>;
      const failures: Failure[] = [];
      let sent = 0;

      const fail = (index: number, { family, bytes }: FuzzInput, fault: string): void => {
        counts[family].faults += 1;
        if (failures.length < KEPT_MAX)
          failures.push({ index, family, fault, bytes: bytes.subarray(0, 4096).toString('base64') });
      };
      const run = async (): Promise<void> => {
        const lane = createLane(port);
        while (sent < inputs) {
          const index = sent;
          sent += 1;
          const input = nextInput(rng);
          const count = counts[input.family];
          count.inputs += 1;
          if (sent % 100_000 === 0) say(`${String(sent)} inputs sent`);
          try {
            const answers = await lane.send(input);
            if (answers.length === 0 && input.isHttp) fail(index, input, 'closed without an answer');
            else if (answers.length === 0) count.unanswered += 1;
            const judged = answers.map((answer) => judgeAnswer(input, answer));
            const bad = judged.find((one) => typeof one === 'object');
            if (bad !== undefined) fail(index, input, bad.fault);
            else if (judged.includes('problem')) count.problems += 1;
            else if (judged.length > 0) count.taken += 1;
          } catch (error) {
            fail(index, input, messageOf(error));
            await watch.untilUp();
          }
        }
        lane.close();
      };
      await Promise.all(Array.from({ length: lanes }, run));
      say(`calling ${String(calls)} times by gRPC`);
      const grpc = await callGrpc(router.grpcAddress, { count: calls, lanes, rng });
      say(`publishing ${String(files)} files`);
      const onnx = await publishFiles(system, files, rng);
      await watch.stop();
      await serveAgain(system.http.send, router.url);

      const { crashes, stallsAbove100Ms, maxStallMs } = watch.seen;
      const notProblemDocuments = Object.values(counts).reduce((sum, { faults }) => sum + faults, 0);
      const faults = [
        ...(crashes > 0 ? [`the router crashed ${String(crashes)} times`] : []),
        ...(stallsAbove100Ms > 0
          ? [
              `the event loop stood still for more than 100 ms ${String(stallsAbove100Ms)} times, at most ${maxStallMs.toFixed(0)} ms`,
            ]
          : []),
        ...grpc.faults,
        ...onnx.faults,
        ...failures.map(({ index, family, fault }) => `input ${String(index)} (${family}): ${fault}`),
      ];
      return {
        json: {
          inputs,
          crashes,
          stallsAbove100Ms,
          maxStallMs,
          notProblemDocuments: notProblemDocuments + grpc.faults.length + onnx.faults.length,
          grpc,
          onnx,
          seed,
          families: counts,
          failures,
        },
        summary: [
          ...Object.entries(counts).map(
            ([name, one]) =>
              `${name.padEnd(10)} ${String(one.inputs)} inputs: ${String(one.problems)} problem documents, ${String(one.taken)} taken, ${String(one.unanswered)} closed, ${String(one.faults)} neither`,
          ),
          ...Object.entries(grpc.families).map(
            ([name, one]) =>
              `gRPC ${name.padEnd(8)} ${String(one.inputs)} calls: ${String(one.refused)} refused with a status, ${String(one.taken)} taken, ${String(one.closed)} closed`,
          ),
          `files      ${String(onnx.files)} published: ${String(onnx.refused)} refused, ${String(onnx.published)} served, ${String(onnx.faults.length)} neither`,
          `${String(crashes)} crashes; the event loop stood still for at most ${maxStallMs.toFixed(1)} ms`,
        ],
        faults,
      };
    } finally {
      await system.stop();
    }
  },
});

/** Throws when the router does not answer a sound request as it did before. */
async function serveAgain(
  send: (method: string, url: string, body: object) => Promise<{ status: number; body: unknown }>,
  url: string,
): Promise<void> {
  const ask = { subject: 'ada', features: { colour: 'red' } };
  const { status, body } = await send('POST', `${url}/v1/models/${FUZZED_MODEL}/predict`, ask);
  if (status !== 200)
    throw new Error(`a sound request is answered ${String(status)} ${JSON.stringify(body)}`);
}
