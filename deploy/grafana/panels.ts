/** How a panel's numbers are written. */
export type Unit = 'short' | 's' | 'percentunit' | 'bytes' | 'reqps' | 'dateTimeFromNow';

/** One panel: a title that says what is seen, and the queries that are drawn. */
export interface Panel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat';
  readonly unit: Unit;
  /** Query and legend of each line. */
  readonly lines: readonly (readonly [query: string, legend: string])[];
  /** What to think of it. */
  readonly description: string;
}

/** One dashboard. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

function lines(
  title: string,
  unit: Unit,
  description: string,
  ...queries: readonly (readonly [string, string])[]
): Panel {
  return { title, kind: 'timeseries', unit, description, lines: queries };
}

function stat(title: string, unit: Unit, description: string, query: string): Panel {
  return { title, kind: 'stat', unit, description, lines: [[query, '']] };
}

const M = '{model=~"$model"}';

/** What operators look at: all of it, then learning, rollouts and the way of records. */
export const DASHBOARDS: readonly Dashboard[] = [
  {
    uid: 'headrace-overview',
    title: 'Overview',
    panels: [
      stat('Services that are ready', 'short', 'Of all that are scraped.', 'sum(headrace_service_ready)'),
      stat('Requests', 'reqps', 'All models and routers.', 'sum(rate(headrace_router_requests_total[1m]))'),
      stat(
        'Without an answer',
        'percentunit',
        'Share of requests of five minutes that were refused because nothing could be served.',
        'headrace:unavailable:ratio_rate5m',
      ),
      stat('Learned', 'reqps', 'Examples a second, all models.', 'sum(headrace:learned:rate5m)'),
      lines('Requests by outcome', 'reqps', 'fallback: stable answered in place of the candidate.', [
        `sum by (outcome) (rate(headrace_router_requests_total${M}[1m]))`,
        '{{outcome}}',
      ]),
      lines(
        'Time to an answer',
        's',
        'From arrival to answer on the router.',
        [
          `histogram_quantile(0.5, sum by (le, model) (rate(headrace_router_request_duration_seconds_bucket${M}[1m])))`,
          '{{model}} p50',
        ],
        [
          `histogram_quantile(0.99, sum by (le, model) (rate(headrace_router_request_duration_seconds_bucket${M}[1m])))`,
          '{{model}} p99',
        ],
      ),
      lines('Freshness', 's', 'From an event on Kafka to the first answer that has learned it.', [
        `headrace_monitor_freshness_seconds${M}`,
        '{{model}} {{quantile}}',
      ]),
      lines('Age of what is served', 's', 'Since the applied snapshot was published.', [
        `max by (model, version) (headrace_router_snapshot_age_seconds${M})`,
        '{{model}} v{{version}}',
      ]),
      lines('Memory of processes', 'bytes', 'Resident.', [
        'process_resident_memory_bytes',
        '{{job}} {{instance}}',
      ]),
      lines('Processor time', 'percentunit', 'Of one core.', [
        'rate(process_cpu_seconds_total[1m])',
        '{{job}} {{instance}}',
      ]),
    ],
  },
  {
    uid: 'headrace-learning',
    title: 'Learning',
    panels: [
      lines(
        'Log-loss of late',
        'short',
        'Nats, half-life 10,000 examples; each version predicts before it learns.',
        [`headrace_learner_recent_log_loss_nats${M}`, '{{model}} v{{version}}'],
        [`headrace_learner_base_rate_log_loss_nats${M}`, '{{model}} v{{version}} base rate'],
      ),
      lines('Calibration error', 'percentunit', 'Expected calibration error over ten bins.', [
        `headrace_learner_calibration_error_rate${M}`,
        '{{model}} v{{version}}',
      ]),
      lines('Examples learned', 'short', 'It never falls but for a version that is made anew.', [
        `headrace_learner_examples${M}`,
        '{{model}} v{{version}}',
      ]),
      lines(
        'Events by what became of them',
        'reqps',
        'duplicate: seen within ten minutes; screened: not learned by at least one version.',
        [`sum by (model, result) (rate(headrace_learner_events_total${M}[1m]))`, '{{model}} {{result}}'],
      ),
      lines('Screened', 'reqps', 'By the fence that stopped it.', [
        `sum by (model, version, fence) (rate(headrace_learner_screened_total${M}[5m]))`,
        '{{model}} v{{version}} {{fence}}',
      ]),
      lines('Time to store a checkpoint', 's', 'p99; learning goes on meanwhile.', [
        `histogram_quantile(0.99, sum by (le, model) (rate(headrace_learner_checkpoint_duration_seconds_bucket${M}[5m])))`,
        '{{model}}',
      ]),
      lines('Age of the newest checkpoint', 's', 'What would be learned again after a crash.', [
        `time() - max by (model) (headrace_learner_checkpoint_time_seconds${M})`,
        '{{model}}',
      ]),
      lines('Snapshots', 'reqps', 'Acknowledged by Kafka.', [
        `sum by (model, kind) (rate(headrace_learner_snapshots_total${M}[1m]))`,
        '{{model}} {{kind}}',
      ]),
    ],
  },
  {
    uid: 'headrace-rollout',
    title: 'Rollout',
    panels: [
      lines('Candidate’s share of the subjects', 'percentunit', 'By the plan in force.', [
        `headrace_registry_candidate_weight_basis_points${M} / 10000`,
        '{{model}}',
      ]),
      lines(
        'Evidence',
        'short',
        'Highest logarithm of each e-value so far; a verdict needs log(1/α) and its share.',
        [`headrace_monitor_log_e_nats${M}`, '{{model}} {{stream}} {{direction}}'],
      ),
      lines('Verdicts', 'reqps', 'As the monitor says them.', [
        `sum by (model, value) (rate(headrace_monitor_verdicts_total${M}[1m]))`,
        '{{model}} {{value}}',
      ]),
      lines('Maturity', 'percentunit', 'Share of predictions that have counted as labelled pairs.', [
        `headrace_monitor_maturity_rate${M}`,
        '{{model}}',
      ]),
      lines('Pairs whose window is open', 'short', 'They count when it has closed.', [
        `headrace_monitor_waiting_pairs${M}`,
        '{{model}}',
      ]),
      lines(
        'Plan in force',
        'short',
        'By the registry and by each router: lines apart are routers behind.',
        [`headrace_registry_plan_version${M}`, '{{model}} registry'],
        [`headrace_router_plan_version${M}`, '{{model}} {{instance}}'],
      ),
      lines('Steps of rollouts', 'short', 'Events of the log by kind.', [
        'max by (kind) (headrace_registry_events_total{kind=~"Rollout.*"})',
        '{{kind}}',
      ]),
      lines('Failed scoring runs', 'reqps', 'A version that throws is left alone for a while.', [
        `sum by (model, version) (rate(headrace_router_failed_runs_total${M}[1m]))`,
        '{{model}} v{{version}}',
      ]),
    ],
  },
  {
    uid: 'headrace-pipeline',
    title: 'Pipeline',
    panels: [
      lines('Lag', 'short', 'Records between what is handled and the end of the topic.', [
        'sum by (job, topic) (headrace_consumer_lag_records)',
        '{{job}} {{topic}}',
      ]),
      lines('Taken by ingest', 'reqps', 'Events and labels.', [
        'sum by (kind, result) (rate(headrace_ingest_items_total[1m]))',
        '{{kind}} {{result}}',
      ]),
      lines('Join', 'reqps', 'What predictions and labels did.', [
        'sum by (outcome) (rate(headrace_ingest_join_total[1m]))',
        '{{outcome}}',
      ]),
      lines('Predictions that wait for a label', 'bytes', 'In Redis.', [
        'headrace_ingest_join_bytes',
        '{{instance}}',
      ]),
      lines('Delay of labels', 's', 'From prediction to label, event time.', [
        `headrace_monitor_label_delay_seconds${M}`,
        '{{model}} {{quantile}}',
      ]),
      lines('Dead letters', 'reqps', 'By topic and reason.', [
        'sum by (topic, reason) (rate(headrace_consumer_dead_letters_total[5m]))',
        '{{topic}} {{reason}}',
      ]),
      lines('Predictions not logged', 'reqps', 'Their labels find nothing.', [
        `sum by (model, reason) (rate(headrace_router_predictions_dropped_total${M}[5m]))`,
        '{{model}} {{reason}}',
      ]),
      lines('Predictions on their way to Kafka', 'bytes', 'By router.', [
        'headrace_router_prediction_log_bytes',
        '{{instance}}',
      ]),
      lines('Delay of the event loop', 's', 'p99.', [
        'nodejs_eventloop_lag_p99_seconds',
        '{{job}} {{instance}}',
      ]),
    ],
  },
];

const COLUMNS = 24;
const DATA_SOURCE = { type: 'prometheus', uid: 'prometheus' };

function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { title, kind, unit, description } = panel;
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: DATA_SOURCE,
    fieldConfig: {
      defaults: { unit, custom: kind === 'timeseries' ? { fillOpacity: 8 } : {} },
      overrides: [],
    },
    options:
      kind === 'timeseries'
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } }
        : { reduceOptions: { calcs: ['lastNotNull'] } },
    targets: panel.lines.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATA_SOURCE,
      expr,
      legendFormat,
    })),
  };
}

/** Returns a dashboard as Grafana reads it from a file: figures in a row, then panels two by two. */
export function dashboardJson({ uid, title, panels }: Dashboard): object {
  const stats = panels.filter(({ kind }) => kind === 'stat');
  const others = panels.filter(({ kind }) => kind === 'timeseries');
  const width = stats.length === 0 ? COLUMNS : COLUMNS / stats.length;
  const top = stats.length === 0 ? 0 : 4;
  const placed = [
    ...stats.map((panel, index) => panelJson(panel, index + 1, { x: index * width, y: 0, w: width, h: 4 })),
    ...others.map((panel, index) =>
      panelJson(panel, stats.length + index + 1, {
        x: (index % 2) * (COLUMNS / 2),
        y: top + Math.floor(index / 2) * 8,
        w: COLUMNS / 2,
        h: 8,
      }),
    ),
  ];
  return {
    uid,
    title: `Headrace: ${title}`,
    tags: ['headrace'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: '5s',
    time: { from: 'now-30m', to: 'now' },
    templating: {
      list: [
        {
          name: 'model',
          type: 'query',
          datasource: DATA_SOURCE,
          query: 'label_values(headrace_registry_plan_version, model)',
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
          refresh: 2,
        },
      ],
    },
    panels: placed,
  };
}
