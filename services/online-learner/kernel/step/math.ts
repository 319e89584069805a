/** The exponential function and the logarithm that all of this uses: the same bits wherever it runs. */
export function exp(x: f64): f64 {
  return Math.exp(x);
}

export function log(x: f64): f64 {
  return Math.log(x);
}
