/** Calls back after a time, ms, unless what it returns is called before. */
export function callAfter(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => {
    clearTimeout(timer);
  };
}
