import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runCommand } from '../../deploy/local/run-command.ts';
import { messageOf } from '../../shared/errors.ts';
import { pythonWith } from './python-environment.ts';

const PACKAGES = [
  'scikit-learn==1.9.1',
  'skl2onnx==1.20.0',
  'lightgbm==4.7.0',
  'onnxmltools==1.16.0',
  'packaging==25.0',
];

/** What the script in Python trained. */
export interface Trained {
  readonly rows: readonly object[];
  readonly forest: TrainedModel;
  readonly boosted: TrainedModel;
  readonly mixed: TrainedModel;
  readonly sequences: { readonly onnx: string; readonly outputs: readonly string[] };
}
export /** One model as it was trained. */
interface TrainedModel {
  readonly onnx: string;
  readonly signature: object;
  readonly probabilities: readonly number[];
}

/** Trains models in Python; undefined, after saying why, where the packages cannot be installed. */
export async function trained(say: (line: string) => void): Promise<Trained | undefined> {
  try {
    const python = await pythonWith('scikit-learn', PACKAGES);
    const args = [resolve(import.meta.dirname, 'published_models.py')];
    const output = await runCommand({ command: python, args });
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Trained;
  } catch (error) {
    say(messageOf(error));
    return undefined;
  }
}

/** Returns a model as `make_keras.py` or `make_torch.py` exported it, and rows. */
export function exportedModel(by: 'keras' | 'torch'): TrainedModel & { readonly rows: readonly object[] } {
  const file = resolve(import.meta.dirname, `../fixtures/onnx/${by}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as TrainedModel & { readonly rows: readonly object[] };
}
