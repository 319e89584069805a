/** What a number means: its name, one sentence for a title, and more for whoever follows the link. */
export interface Meaning {
  readonly name: string;
  readonly short: string;
  readonly more?: string;
}

/** Everything that the page shows, by the name it is linked by. */
export const TERMS = {
  model: {
    name: 'Model',
    short: 'A prediction task with a name and a spec: features, label, learner, rollout policy.',
  },
  version: {
    name: 'Version',
    short: 'One generation of a model: a learner that goes on learning for as long as the version lives.',
    more: 'At most four versions of a model live at a time. Every live version learns every event, whoever answers.',
  },
  stable: { name: 'Stable', short: 'The version that owns traffic; what a rollback goes back to.' },
  candidate: {
    name: 'Candidate',
    short: 'The version that is given a share of the subjects, or that is tried in shadow.',
  },
  traffic: {
    name: 'Traffic',
    short: 'Predictions answered per second, over the last five seconds.',
    more: 'The river shows which version answered. A version is chosen by the subject, so that the same subject stays with the same version.',
  },
  events: {
    name: 'Events/s',
    short: 'Labelled events learned per second, over the last five seconds, as scores.v1 tells of them.',
  },
  freshness: {
    name: 'Freshness',
    short:
      'From an event on Kafka to the first answer that has learned it; 99th percentile of the last ten seconds or more.',
    more: 'Quantiles are at most 19 % too high. Without predictions there is no answer to be fresh.',
  },
  staleness: {
    name: 'Staleness',
    short: 'Age of the parameters that answered, since the monitor began to measure the model.',
  },
  lag: { name: 'Lag', short: 'Records that lie on Kafka and that the consumer has not taken yet.' },
  alarms: {
    name: 'Alarms',
    short:
      'What somebody should look at: shards that are stopped, rollouts paused or rolled back, lag above 10,000 records, freshness above a minute.',
  },
  loss: {
    name: 'Progressive loss',
    short:
      'Log-loss of each version on events it had not learned yet, nats; recent ones count more (half-life 10,000 examples). Lower is better.',
    more: 'The band is twice 1.96 standard errors wide, from the means of batches: pointwise and approximate, for looking. Verdicts use confidence sequences that stay valid however often one looks.',
  },
  base: {
    name: 'Base rate',
    short:
      'Log-loss of always answering the share of label 1 so far: a version above it has learned nothing.',
  },
  accuracy: {
    name: 'Accuracy',
    short: 'Share of events whose label was on the side of one half that the version said.',
  },
  calibration: {
    name: 'Calibration',
    short:
      'Expected calibration error: by how much scores differ from the share of label 1, over ten bins, weighted.',
    more: 'In the chart, points on the diagonal are scores that mean what they say; the larger the point, the more examples.',
  },
  learned: { name: 'Learned', short: 'Examples that the version has scored and learned.' },
  served: { name: 'Answered', short: 'Predictions that this version answered.' },
  failed: {
    name: 'Failed',
    short: 'Requests for which the version gave no score: it threw, was late, or gave no finite number.',
  },
  scoring: {
    name: 'Scoring p99',
    short: 'Time a router took to score a row with the version, 99th percentile.',
  },
  latency: {
    name: 'Latency p99',
    short: 'From request to answer in the router, 99th percentile, of the subjects of the arm.',
  },
  arm: { name: 'Arm', short: 'Stable or candidate: what a subject is assigned to by a hash of its name.' },
  labels: {
    name: 'Labels',
    short:
      'Predictions whose truth has come, and those that were given the default when the label window closed.',
  },
  watermark: { name: 'Watermark', short: 'Event time up to which the join of labels is complete.' },
  repeated: {
    name: 'Repeated',
    short:
      'Events and predictions seen twice within the duplicate window; counted, not measured or learned again.',
  },
  rollout: {
    name: 'Rollout',
    short: 'One try to give a version traffic: from shadow, step by step, to full, or back.',
  },
  step: {
    name: 'Step',
    short:
      'A share of the subjects that the candidate has. Raising it never moves a subject away from the candidate.',
  },
  verdict: {
    name: 'Verdict',
    short: 'The monitor’s word on the present stage: promote, roll back or wait. The registry decides.',
    more: 'No data is never a pass. When evidence for both is there, rolling back wins.',
  },
  gate: {
    name: 'Gate',
    short:
      'One quantity that is compared between candidate and baseline on the same requests. Objectives have to be shown to be good; guards must not be shown to be bad.',
  },
  'gate-loss': {
    name: 'Loss',
    short: 'Log-loss of the candidate less the baseline’s, clipped to ±1 nat; an objective.',
  },
  'gate-accuracy': {
    name: 'Accuracy, compared',
    short: 'Answers on the wrong side of the policy’s threshold, candidate less baseline.',
  },
  'gate-precision': {
    name: 'Precision',
    short: 'What a yes of the candidate is worth against one of the baseline, at the policy’s threshold.',
  },
  'gate-recall': {
    name: 'Recall',
    short: 'Missed positives at the policy’s threshold, candidate less baseline.',
  },
  'gate-tail': {
    name: 'Tail',
    short:
      'Disasters: losses more than 1 nat above the baseline’s. They count when they are more frequent than the margin allows and are not paid back.',
    more: 'The difference is that of the loss without clipping, gains cut at 1 nat. Promotion needs either half to be shown to be good.',
  },
  'gate-calibration': {
    name: 'Calibration, compared',
    short: 'Size of the candidate’s bias less that of the baseline’s.',
  },
  'gate-failure': {
    name: 'Failure',
    short:
      'Requests that the candidate failed to score less those that the baseline failed; rows of one scoring run are one.',
  },
  'gate-slowness': {
    name: 'Slowness',
    short: 'Scoring runs that took longer than the baseline’s p99, candidate less baseline.',
  },
  'gate-staleness': {
    name: 'Staleness, guarded',
    short: 'Age of the parameters from which the candidate answered.',
  },
  'gate-outcome': {
    name: 'Outcome',
    short:
      'Bad outcomes that only the answer given can have: how much more often they follow the candidate’s.',
  },
  estimate: {
    name: 'Difference',
    short:
      'Mean of candidate less baseline, with a confidence sequence that holds at every moment at once. Below zero is better.',
  },
  evalue: {
    name: 'E-value',
    short:
      'How much evidence there is against “nothing to show”: it starts at 1, and reaches its threshold by chance with probability of at most α, however often one looks.',
    more: 'It is a martingale that bets on what it has seen (Waudby-Smith & Ramdas 2024; Ville 1939). Its highest value counts.',
  },
  maturity: {
    name: 'Maturity',
    short: 'Share of the rollout’s requests whose label window has closed, so that they count as evidence.',
  },
  waiting: {
    name: 'Waiting',
    short: 'Labelled pairs whose label window is still open: they count when it closes.',
  },
  needed: {
    name: 'Likely needed',
    short:
      'Further labelled examples that a promotion likely needs, and how long that takes at the present rate.',
  },
  validation: {
    name: 'Validation suite',
    short:
      'Candidate and baseline on the same recent labelled examples; it must pass before the first live step.',
  },
  applied: {
    name: 'Applied',
    short: 'Every live router has the stage’s plan and the candidate ready. The hold begins then.',
  },
  lineage: {
    name: 'Lineage',
    short: 'From which version, at which position of the stream and how each version began.',
  },
  position: {
    name: 'Position',
    short:
      'The next offset of training-events.v1 that a state has not seen. What has position 7 has seen 0 to 6.',
  },
  birth: {
    name: 'Began',
    short:
      'How a version begins: cold (from nothing), as a copy of its parent, from history, from a milestone, or as a published file.',
  },
  duplicates: {
    name: 'Duplicates',
    short: 'What came twice: redelivery, client retries, a learner that was killed.',
  },
  deadletters: {
    name: 'Dead letters',
    short:
      'Records or items that could not be taken, as they came, with where from and why. Putting one back sends it to its topic again.',
  },
  chain: {
    name: 'Chain',
    short:
      'Every event of the version log carries the hash of the one before it; this monitor has recomputed every one.',
    more: 'SHA-256 over every other field in a fixed order. An event that is changed, lost or put in between breaks the chain.',
  },
} as const satisfies Readonly<Record<string, Meaning>>;

/** A name that a number is explained by. */
export type TermName = keyof typeof TERMS;
