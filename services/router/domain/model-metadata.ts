import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { inputMetadata, outputMetadata } from './infer-tensors.ts';
import type { TensorMetadata } from './infer-tensors.ts';

/** Name of this server, as the protocol tells it. */
export const SERVER_NAME = 'headrace-router';

/** Extensions of the protocol that this server has over HTTP. */
export const EXTENSIONS: readonly string[] = ['binary_tensor_data'];

/** A model as the Open Inference Protocol tells it. */
export interface ModelMetadata {
  readonly name: string;
  /** Versions that may be asked for. */
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** Returns the metadata of a model, or of one version of it. */
export function modelMetadata({ spec, versions }: ModelState, version: number | undefined): ModelMetadata {
  const asked = versions.filter(({ life }) => life !== 'retired').map((one) => String(one.version));
  return {
    name: spec.name,
    versions: version === undefined ? asked : [String(version)],
    platform: 'onnx_onnxv1',
    inputs: inputMetadata(spec),
    outputs: outputMetadata(),
  };
}
