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
});
