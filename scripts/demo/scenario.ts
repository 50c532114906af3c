/**
 * What the demonstration plays: the database of the payments dies, and everybody who needs it
 * complains; beside it, what a normal day brings along. Names are those of rules/services.yaml.
 */
export interface DemoAlert {
  readonly service: string;
  readonly name: string;
  readonly severity: 'critical' | 'high' | 'warning';
  /** Undefined: the service as a whole. */
  readonly pod: string | undefined;
  readonly summary: string;
  readonly transaction: string | undefined;
}

export interface Beat {
  /** Seconds after the beginning. */
  readonly at: number;
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly DemoAlert[];
}

export interface Scenario {
  readonly beats: readonly Beat[];
  /** When the cascade has its full size, and is looked at. */
  readonly heightAt: number;
}

const PODS = ['a', 'b', 'c', 'd'];

/** One kind of alert, once for each pod that has it. */
function onPods(
  about: Omit<DemoAlert, 'pod' | 'transaction'>,
  pods: number,
  transaction?: string,
): readonly DemoAlert[] {
  return PODS.slice(0, pods).map((pod) => ({
    ...about,
    pod: `${about.service}-${pod}`,
    transaction,
  }));
}

function once(about: Omit<DemoAlert, 'pod' | 'transaction'>): readonly DemoAlert[] {
  return [{ ...about, pod: undefined, transaction: undefined }];
}

function errors(service: string, pods: number, transaction?: string): readonly DemoAlert[] {
  const summary = `${service}: more than 5 % of requests fail`;
  return onPods({ service, name: 'HighErrorRate', severity: 'high', summary }, pods, transaction);
}

function slow(service: string, pods: number): readonly DemoAlert[] {
  const summary = `${service}: p99 is above 2 s`;
  return onPods({ service, name: 'HighLatency', severity: 'warning', summary }, pods);
}

const DATABASE = once({
  service: 'payments-db',
  name: 'PostgresDown',
  severity: 'critical',
  summary: 'payments-db refuses connections',
});
const CASCADE: readonly (readonly [number, readonly DemoAlert[]])[] = [
  [3, DATABASE],
  [
    6,
    onPods(
      {
        service: 'payments',
        name: 'HealthCheckFailing',
        severity: 'critical',
        summary: 'payments fails its health check',
      },
      4,
    ),
  ],
  [9, errors('payments', 4, 'tid_9f3ac1')],
  [12, slow('payments', 4)],
  [14, errors('checkout-api', 4, 'tid_9f3ac1')],
  [
    16,
    once({
      service: 'checkout-api',
      name: 'CheckoutsFailing',
      severity: 'critical',
      summary: 'Nobody can buy anything: 38 % of checkouts fail',
    }),
  ],
  [18, slow('checkout-api', 4)],
  [20, errors('billing', 3)],
  [22, errors('subscriptions', 4)],
  [24, slow('subscriptions', 4)],
  [26, errors('edge-router', 4)],
];

/** Over before it is worth anybody's time. */
const BLIPS: readonly (readonly [number, number, readonly DemoAlert[]])[] = [
  [
    1,
    34,
    once({
      service: 'search-api',
      name: 'HighCpu',
      severity: 'warning',
      summary: 'search-api uses 96 % of its CPU',
    }),
  ],
  [11, 29, slow('video-api', 1)],
];

/** Comes and goes. */
const FLAPPING = once({
  service: 'comments-db',
  name: 'ReplicationLag',
  severity: 'warning',
  summary: 'comments-db is 40 s behind',
});
const FLAPS = [2, 10, 17, 23, 30];

const HEIGHT_AT = 36;
const REPAIRED_AT = 40;

export function scenario(): Scenario {
  const fires = (at: number, alerts: readonly DemoAlert[]): Beat => ({
    at,
    status: 'firing',
    alerts,
  });
  const ends = (at: number, alerts: readonly DemoAlert[]): Beat => ({
    at,
    status: 'resolved',
    alerts,
  });
  const beats = [
    ...CASCADE.map(([at, alerts]) => fires(at, alerts)),
    ...CASCADE.map(([, alerts], index) => ends(REPAIRED_AT + index / 4, alerts)),
    ...BLIPS.flatMap(([from, to, alerts]) => [fires(from, alerts), ends(to, alerts)]),
    ...FLAPS.flatMap((at) => [fires(at, FLAPPING), ends(at + 4, FLAPPING)]),
  ];
  return { beats: beats.sort((one, other) => one.at - other.at), heightAt: HEIGHT_AT };
}
