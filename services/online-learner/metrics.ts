import type { Metrics } from '../../shared/observability/metrics.ts';
import type { LearnerObserver } from './ports.ts';

/** Returns the learner's metrics behind the names the service uses. */
export function createLearnerMetrics(metrics: Metrics): LearnerObserver {
  const events = metrics.counter(
    'headrace_learner_events_total',
    'Training events by what became of them: learned, duplicate, screened or refused.',
    ['model', 'result'],
  );
  const examples = metrics.gauge(
    'headrace_learner_examples',
    'Examples a version has learned and recorded.',
    ['model', 'version'],
  );
  const logLoss = metrics.gauge('headrace_learner_log_loss_nats', 'Progressive log-loss of a version.', [
    'model',
    'version',
  ]);
  const recent = metrics.gauge(
    'headrace_learner_recent_log_loss_nats',
    'Progressive log-loss, half-life 10,000 examples.',
    ['model', 'version'],
  );
  const base = metrics.gauge(
    'headrace_learner_base_rate_log_loss_nats',
    'Log-loss of predicting the running base rate.',
    ['model', 'version'],
  );
  const accuracy = metrics.gauge(
    'headrace_learner_accuracy_rate',
    'Share of examples on the right side of one half.',
    ['model', 'version'],
  );
  const calibration = metrics.gauge(
    'headrace_learner_calibration_error_rate',
    'Expected calibration error over ten bins.',
    ['model', 'version'],
  );
  const screened = metrics.counter(
    'headrace_learner_screened_total',
    'Events that a version did not learn, by what they were past: target (label or weight is none), value (beyond 100 standard deviations of what the feature has had), leverage (event weight × norm of the row beyond 2000 times the usual of what the version has learned) or update (the step would not be finite).',
    ['model', 'version', 'fence'],
  );
  const leverage = metrics.gauge(
    'headrace_learner_fence_leverage',
    'The largest event weight × norm of the row that a version learns at present; it follows what the version has learned.',
    ['model', 'version'],
  );
  const checkpoints = metrics.histogram(
    'headrace_learner_checkpoint_duration_seconds',
    'Time to store a checkpoint.',
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    ['model'],
  );
  const checkpointed = metrics.gauge(
    'headrace_learner_checkpoint_time_seconds',
    'When the newest checkpoint was stored, seconds since the Unix epoch.',
    ['model'],
  );
  const snapshots = metrics.counter('headrace_learner_snapshots_total', 'Snapshots acknowledged by Kafka.', [
    'model',
    'kind',
  ]);
  const snapshotBytes = metrics.counter(
    'headrace_learner_snapshot_bytes_total',
    'Weight bytes of snapshots.',
    ['model', 'kind'],
  );
  const stopped = metrics.gauge(
    'headrace_learner_stopped_shard',
    '1 while a shard is stopped because its state or log cannot be trusted.',
    ['model'],
  );
  const position = metrics.gauge(
    'headrace_learner_position_offset',
    'Next offset of training-events.v1 that a shard has not seen.',
    ['model'],
  );
  const checkpointBytes = metrics.counter(
    'headrace_learner_checkpoint_bytes_total',
    'Bytes of the pages that checkpoints wrote.',
    ['model'],
  );
  const checkpointBusy = metrics.counter(
    'headrace_learner_checkpoint_busy_seconds_total',
    'Time for which checkpoints kept the learning thread busy.',
    ['model'],
  );
  const opened = metrics.counter(
    'headrace_learner_opened_shards_total',
    'Shards opened, by what they began with: checkpoint, previous-generation, milestone or log.',
    ['model', 'from'],
  );
  const damaged = metrics.counter(
    'headrace_learner_damaged_checkpoints_total',
    'Checkpoints found damaged when a shard was opened.',
    ['model'],
  );
  const milestones = metrics.counter(
    'headrace_learner_milestones_total',
    'Milestones acknowledged by Kafka, by why they were made: births, events or command.',
    ['model', 'reason'],
  );
  const behind = metrics.gauge(
    'headrace_learner_past_behind_offsets',
    'Offsets that a version which learns the past is behind the present.',
    ['model', 'version'],
  );
  const halted = metrics.counter(
    'headrace_learner_halted_versions_total',
    'Versions halted because they threw or took too long.',
    ['model', 'version'],
  );
  return {
    events(model, counts) {
      for (const result of ['learned', 'duplicate', 'screened', 'refused'] as const) {
        if (counts[result] > 0) events.inc({ model, result }, counts[result]);
      }
    },
    version(model, version, figures) {
      const labels = { model, version: String(version) };
      examples.set(labels, figures.examples);
      logLoss.set(labels, figures.logLoss);
      recent.set(labels, figures.recentLogLoss);
      base.set(labels, figures.baseRateLogLoss);
      accuracy.set(labels, figures.accuracy);
      calibration.set(labels, figures.calibrationError);
      leverage.set(labels, figures.leverageMax);
    },
    screened(model, version, fence) {
      screened.inc({ model, version: String(version), fence });
    },
    checkpoint(model, seconds, { busyMs, writtenBytes }) {
      checkpoints.observe({ model }, seconds);
      checkpointed.setToCurrentTime({ model });
      checkpointBytes.inc({ model }, writtenBytes);
      checkpointBusy.inc({ model }, busyMs / 1000);
    },
    opened: (model, from) => {
      opened.inc({ model, from });
    },
    position: (model, offset) => {
      position.set({ model }, offset);
    },
    damaged: (model) => {
      damaged.inc({ model });
    },
    milestone: (model, reason) => {
      milestones.inc({ model, reason });
    },
    backfill: (model, version, position, target) => {
      behind.set({ model, version: String(version) }, Math.max(0, target - position));
    },
    snapshot(model, kind, bytes) {
      snapshots.inc({ model, kind });
      snapshotBytes.inc({ model, kind }, bytes);
    },
    alarm: (model, isStopped) => {
      stopped.set({ model }, isStopped ? 1 : 0);
    },
    halted: (model, version) => {
      halted.inc({ model, version: String(version) });
    },
  };
}
