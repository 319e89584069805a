import { createIngestMetrics } from '../../../services/ingest/metrics.ts';
import { createMonitorMetrics } from '../../../services/monitor/metrics.ts';
import { createLearnerMetrics } from '../../../services/online-learner/metrics.ts';
import { createRegistryMetrics } from '../../../services/registry/metrics.ts';
import { createRouterMetrics } from '../../../services/router/metrics.ts';
import { createApp } from '../../../shared/http/app.ts';
import { createConsumerMetrics } from '../../../shared/observability/consumer-metrics.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import type { Metrics } from '../../../shared/observability/metrics.ts';

/** What makes metrics. */
type MakeMetrics = (metrics: Metrics) => unknown;

/** Metrics that several services have, by which. */
export const EVERY_SERVICE: Readonly<Record<string, MakeMetrics>> = {
  'every service': ({ registry }) =>
    createApp({ service: 'test', log: silentLog, registry, bodyLimitBytes: 1, waitsFor: () => [] }),
  'ingest, online-learner, monitor': createConsumerMetrics,
};

/** Metrics of each service. */
export const METRICS: Readonly<Record<string, MakeMetrics>> = {
  router: createRouterMetrics,
  ingest: createIngestMetrics,
  'online-learner': createLearnerMetrics,
  registry: createRegistryMetrics,
  monitor: createMonitorMetrics,
};
