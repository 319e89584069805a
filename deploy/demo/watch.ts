import type { HttpClient } from './http-client.ts';

/** What the services say of themselves. */
export interface Watched {
  readonly logLoss: number | undefined;
  readonly baseRateLogLoss: number | undefined;
  readonly labelsJoined: number;
  readonly lag: number | undefined;
  /** Greatest resident memory seen of each service, MB. */
  readonly rssMb: Readonly<Record<string, number>>;
}

/** Asks the services how they are. */
export interface Watch {
  /** Asks all; a service that does not answer keeps what it last said. */
  look(): Promise<Watched>;
}

interface ReportView {
  readonly lag: Readonly<Record<string, number>>;
  readonly labels: { readonly labelled: number };
  readonly versions: readonly {
    readonly version: number;
    readonly learner: { logLoss: number | null; baseRateLogLoss: number | null };
  }[];
}

/** Returns the watch over the services at these addresses. */
export function createWatch(http: HttpClient, model: string, urls: Readonly<Record<string, string>>): Watch {
  const rssMb: Record<string, number> = {};
  let report: ReportView | undefined;

  async function lookAt(name: string, url: string): Promise<void> {
    const { body } = await http.send('GET', `${url}/metrics`);
    const match = /^process_resident_memory_bytes (\S+)/m.exec(String(body));
    if (match !== null) rssMb[name] = Math.max(rssMb[name] ?? 0, Math.round(Number(match[1]) / 1e6));
  }

  return {
    async look() {
      await Promise.allSettled(Object.entries(urls).map(([name, url]) => lookAt(name, url)));
      const answer = await http
        .send('GET', `${urls['monitor'] ?? ''}/v1/models/${model}/report`)
        .catch(() => undefined);
      if (answer?.status === 200) report = answer.body as ReportView;
      const first = report?.versions[0]?.learner;
      return {
        logLoss: first?.logLoss ?? undefined,
        baseRateLogLoss: first?.baseRateLogLoss ?? undefined,
        labelsJoined: report?.labels.labelled ?? 0,
        lag: report === undefined ? undefined : Object.values(report.lag).reduce((sum, one) => sum + one, 0),
        rssMb: { ...rssMb },
      };
    },
  };
}
