import { Type } from 'typebox';
import { commonSettings, portSetting } from '../../shared/config/load-config.ts';

/** Settings of registry. */
export const registrySettings = Type.Object({
  ...commonSettings,
  HTTP_PORT: portSetting(8084),
  ADVERTISED_URL: Type.String({
    default: '',
    description:
      'Where clients reach this registry; followers name it when it leads. Empty means host name and HTTP_PORT.',
  }),
  PUBLISHED_BYTES_MAX: Type.Integer({
    default: 16_777_216,
    minimum: 1024,
    maximum: 67_108_864,
    description: 'Largest published model file, bytes.',
  }),
  PUBLISHED_MEMORY_MB: Type.Integer({
    default: 1024,
    minimum: 192,
    maximum: 65_536,
    description: 'Most resident memory of the process that a published file is checked in, MiB.',
  }),
  PUBLISHED_CHECK_MS: Type.Integer({
    default: 20_000,
    minimum: 1000,
    maximum: 45_000,
    description:
      'The most that each step of checking a published file may take, ms: reading, loading, scoring.',
  }),
});
