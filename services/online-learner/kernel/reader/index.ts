export * from './tables';
export { configure, events, featureOf, input, open, read, reserve, setLimits, starts } from './reader';
