/**
 * Median examples, or requests where a row says so, from the beginning (of a turn: from the turn) to the decision. A
 * row may take 1.3 times as many. `method`: simulated when the method was chosen, independently of this code;
 * `program`: first measured with this program, so that a later change that costs power shows. Where the method's
 * simulation gave a range, its lower end.
 */
export const REFERENCE: Readonly<
  Record<string, { readonly median: number; readonly from: 'method' | 'program' }>
> = {
  'mean difference 0.01': { median: 2500, from: 'method' },
  'mean difference 0.02': { median: 640, from: 'method' },
  'mean difference 0.05': { median: 110, from: 'method' },
  'mean difference 0.1': { median: 48, from: 'method' },
  'failures 0.1 to 5 %, requests': { median: 135, from: 'method' },
  'failures 0.1 to 50 %, requests': { median: 14, from: 'method' },
  'failures 0.1 to 100 %, requests': { median: 7, from: 'method' },
  'failures 1 to 2 %, requests': { median: 2300, from: 'method' },
  'outcomes 0.1 to 5 % at a tenth, requests': { median: 397, from: 'method' },
  'outcomes 1 to 5 % at a tenth, requests': { median: 942, from: 'method' },
  'noisy parameters: rolled back, requests': { median: 1099, from: 'program' },
  'bias of half a logit: rolled back, requests': { median: 1210, from: 'program' },
  'bias of one logit: rolled back, requests': { median: 299, from: 'program' },
  'twice too sure: rolled back, requests': { median: 459, from: 'program' },
  'three times too sure: rolled back, requests': { median: 177, from: 'program' },
  'half as sure: rolled back, requests': { median: 4133, from: 'program' },
  'answers the base rate: rolled back, requests': { median: 354, from: 'program' },
  'answers one half: rolled back, requests': { median: 273, from: 'program' },
  'inverted: rolled back, requests': { median: 148, from: 'program' },
  'inverted for a tenth: rolled back, requests': { median: 910, from: 'program' },
  'answers the label of another: rolled back, requests': { median: 225, from: 'program' },
  'fails on every request: rolled back, requests': { median: 10, from: 'program' },
  'fails on one in ten: rolled back, requests': { median: 119, from: 'program' },
  'fails on one in thirty: rolled back, requests': { median: 617, from: 'program' },
  'fails on hard inputs: rolled back, requests': { median: 108, from: 'program' },
  'gives no number on extreme inputs: rolled back, requests': { median: 172, from: 'program' },
  'disasters on one in thirty: rolled back, requests': { median: 667, from: 'program' },
  'three times slower: rolled back, requests': { median: 224, from: 'program' },
  'ten times slower: rolled back, requests': { median: 210, from: 'program' },
  'twice the bad outcomes: rolled back, requests': { median: 1419, from: 'program' },
  'a better candidate: promoted, examples': { median: 500, from: 'program' },
  'bad, then good, while warming: promoted, examples': { median: 1479, from: 'program' },
  'good, then bad, in a live step: rolled back, requests from the turn': { median: 1348, from: 'program' },
};
