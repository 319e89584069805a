import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

const FILE = new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url);
const MINUTE_MS = 60_000;
const MILES_PER_HOUR = 450;
const TAXI_MINUTES = 20;
const LATE_MINUTES = 15;

/** Where the data come from, in words. */
export const FLIGHTS_SOURCE = 'US DOT on-time data as redistributed in vega-datasets';

/** How many flights there are. */
export const FLIGHTS_MAX = 3_000_000;

/** One flight: what is known at departure, and what becomes known at landing. */
export interface Flight {
  readonly id: string;
  readonly route: string;
  readonly departureMs: number;
  readonly landingMs: number;
  /** 1 when it was 15 minutes late or more. */
  readonly label: 0 | 1;
  readonly features: {
    readonly hour: number;
    readonly weekday: number;
    readonly origin: string;
    readonly destination: string;
    readonly route: string;
    readonly distance: number;
  };
}

interface Row {
  readonly date: Date;
  readonly delay: bigint;
  readonly distance: bigint;
  readonly origin: string;
  readonly destination: string;
}

function flightOf(row: Row, index: number): Flight {
  const { date, origin, destination } = row;
  const delayMinutes = Number(row.delay);
  const distance = Number(row.distance);
  const departureMs = date.getTime();
  const minutes = (distance / MILES_PER_HOUR) * 60 + delayMinutes + TAXI_MINUTES;
  const route = `${origin}-${destination}`;
  return {
    id: `flight-${String(index)}`,
    route,
    departureMs,
    landingMs: departureMs + Math.max(1, Math.round(minutes)) * MINUTE_MS,
    label: delayMinutes >= LATE_MINUTES ? 1 : 0,
    features: { hour: date.getUTCHours(), weekday: date.getUTCDay(), origin, destination, route, distance },
  };
}

/** Returns the first flights in order of scheduled departure. */
export async function readFlights(count: number): Promise<Flight[]> {
  const file = await asyncBufferFromFile(FILE.pathname);
  const rows = (await parquetReadObjects({
    file,
    compressors,
    rowStart: 0,
    rowEnd: count,
  })) as unknown as Row[];
  return rows.map(flightOf);
}
