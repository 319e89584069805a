/** The part of autocannon that is used; it comes without types. */
declare module 'autocannon' {
  export default function autocannon(options: object): unknown;
}
