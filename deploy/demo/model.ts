/** Name of the demo's model. */
export const MODEL = 'flights-late';

/** How long after its departure a flight's landing is waited for, event time: 2 flights in 1,000 take longer than an hour less. */
export const LABEL_WINDOW_MS = 9 * 60 * 60 * 1000;

/** The version that throws on some inputs, and the setting of the router that lets it. */
export const THROWING_VERSION = 4;
export const INJECT_FAILURES = `${MODEL}/${String(THROWING_VERSION)}:0.3`;

/**
 * Spec of the demo's model: will a flight be 15 minutes late or more? The subject is the route. Its rollouts hold a second
 * where the default is a minute, and leave out the step of 1 %: the demo lives through three days in a minute. All else is
 * the default; labels count when their window has closed, in event time.
 */
export const flightsModel = {
  name: MODEL,
  task: 'binary-classification',
  features: [
    { name: 'hour', type: 'categorical' },
    { name: 'weekday', type: 'categorical' },
    { name: 'origin', type: 'categorical' },
    { name: 'destination', type: 'categorical' },
    { name: 'route', type: 'categorical' },
    { name: 'distance', type: 'numeric' },
  ],
  crosses: [
    ['hour', 'origin'],
    ['hour', 'destination'],
  ],
  label: { windowMs: LABEL_WINDOW_MS, onWindowEnd: 'drop' },
  learner: { kind: 'ftrl-logistic', tableBits: 18, alpha: 0.1, beta: 1, l1: 0, l2: 1 },
  rollout: { holdMinMs: 1000, stepsBp: [1000, 5000, 10_000] },
};
