/**
 * Median examples, or requests where a row says so, from the beginning (of a turn: from the turn) to the decision. A row may take 1.3
 * times as many. `method`: simulated when the method was chosen, independently of this code; `program`: first measured with
 * this program, so that a later change that costs power shows.
 */
export const REFERENCE: Readonly<
  Record<string, { readonly median: number; readonly from: 'method' | 'program' }>
> = {
  'mean difference 0.01': { median: 3100, from: 'method' },
  'mean difference 0.02': { median: 730, from: 'method' },
  'mean difference 0.05': { median: 120, from: 'method' },
  'mean difference 0.1': { median: 50, from: 'method' },
  'failures 0.1 to 5 %, requests': { median: 135, from: 'method' },
  'failures 0.1 to 50 %, requests': { median: 14, from: 'method' },
  'failures 0.1 to 100 %, requests': { median: 7, from: 'method' },
  'failures 1 to 2 %, requests': { median: 2300, from: 'method' },
  'outcomes 0.1 to 5 % at a tenth, requests': { median: 397, from: 'method' },
  'outcomes 1 to 5 % at a tenth, requests': { median: 942, from: 'method' },
};
