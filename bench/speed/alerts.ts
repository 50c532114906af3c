/**
 * The alerts that both servers get: about 800 bytes each, as Prometheus sends them to an Alertmanager.
 *
 * Bodies are put into text once. Only `startsAt` is filled in when one is sent, in place: the instant
 * at which that alert was sent first, as a source does. An old one makes both servers behave
 * differently, and a new one each time would make each repeat a new firing.
 */

export interface AlertSet {
  /** How many alerts are distinct. The sequence goes round when more are asked for. */
  readonly distinct: number;
  readonly services: number;
  /** Makes the alerts of one set different from those of another. */
  readonly tag: string;
  readonly severity?: string;
  readonly cluster?: string;
}

export interface Body {
  readonly bytes: Buffer;
  readonly alerts: number;
  /** Where each `startsAt` stands, and whose it is. */
  readonly times: readonly { readonly at: number; readonly alert: Started }[];
}

/** When an alert was first sent; empty before. */
interface Started {
  text: string;
}

const TIME = '2026-01-01T00:00:00.000Z';

export function alertText(set: AlertSet, index: number): string {
  const id = index % set.distinct;
  const service = `${set.tag}-service-${id % set.services}`;
  // In alphabetical order, as Prometheus writes them.
  return JSON.stringify({
    labels: {
      alertname: `LatencyHigh${id % 50}`,
      cluster: set.cluster ?? 'eu-west-1a',
      environment: 'production',
      instance: `10.${(id >> 16) & 255}.${(id >> 8) & 255}.${id & 255}:9100`,
      job: 'node',
      namespace: `namespace-${id % 40}`,
      pod: `${service}-7c9d8f5b6-${id}`,
      service,
      severity: set.severity ?? 'warning',
      team: `team-${id % 20}`,
    },
    annotations: {
      description: `The 99th percentile of the latency of ${service} has been 2.3 s for more than 5 minutes, its limit is 1 s. Look at the dashboard of the service, then at its dependencies.`,
      runbook_url: `https://runbooks.example.org/latency-high`,
      summary: `Latency of ${service} is above its limit for 5 minutes`,
    },
    startsAt: TIME,
    generatorURL: `http://prometheus.example.org:9090/graph?g0.expr=latency%3Ap99%7Bservice%3D%22${service}%22%7D+%3E+1&g0.tab=1`,
  });
}

/** Bodies of `each` alerts, `count` alerts in all. */
export function bodies(set: AlertSet, count: number, each: number): readonly Body[] {
  const started = Array.from({ length: set.distinct }, (): Started => ({ text: '' }));
  const made: Body[] = [];
  for (let first = 0; first < count; first += each) {
    const indexes = Array.from({ length: Math.min(each, count - first) }, (_, n) => first + n);
    made.push(
      bodyOf(
        indexes.map((index) => alertText(set, index)),
        indexes.map((index) => started[index % set.distinct] ?? { text: '' }),
      ),
    );
  }
  return made;
}

/** A body of one alert that was never sent before. */
export function single(set: AlertSet, index: number): Body {
  return bodyOf([alertText(set, index)], [{ text: '' }]);
}

function bodyOf(texts: readonly string[], started: readonly Started[]): Body {
  const bytes = Buffer.from(`[${texts.join(',')}]`);
  let from = 0;
  const times = started.map((alert) => {
    const at = bytes.indexOf(TIME, from);
    from = at + TIME.length;
    return { at, alert };
  });
  return { bytes, alerts: texts.length, times };
}

/** Fills in when the alerts started: now, for those that were not sent before. */
export function stamp({ bytes, times }: Body, instant: number): Buffer {
  const now = new Date(instant).toISOString();
  for (const { at, alert } of times) {
    if (alert.text === '') alert.text = now;
    bytes.write(alert.text, at, 'latin1');
  }
  return bytes;
}
