/** Name of the demo's model. */
export const MODEL = 'flights-late';

/** Spec of the demo's model: will a flight be 15 minutes late or more? The subject is the route. */
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
  label: { windowMs: 48 * 60 * 60 * 1000, onWindowEnd: 'drop' },
  learner: { kind: 'ftrl-logistic', tableBits: 18, alpha: 0.1, beta: 1, l1: 0, l2: 1 },
};
