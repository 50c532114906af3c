/**
 * Many senders of alerts at once, as patient as Alertmanager: each posts one delivery after another,
 * and again and again until it is answered 2xx. What a sender knows in the end is the truth that
 * Quell has to agree with.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Random } from '../../bench/noise/random.ts';

/** One alert as its sender knows it. All of it was answered 2xx. */
export interface SentAlert {
  readonly id: string;
  readonly service: string;
  readonly severity: 'critical' | 'warning';
  status: 'firing' | 'resolved';
  startsAt: number;
  /** When it ended last; 0: it never did. */
  endsAt: number;
  /** Times that it began to fire, and that it resolved. */
  fired: number;
  resolved: number;
}

export interface SendingService {
  readonly name: string;
  readonly severity: SentAlert['severity'];
  readonly environment?: string;
  /** It begins to send when this wave is let go. */
  readonly wave: number;
}

export interface SendersOptions {
  /** Asked for each attempt: where there are several instances, another one is tried. */
  readonly url: () => string;
  readonly random: Random;
  /** One sender for each. */
  readonly services: readonly SendingService[];
  readonly alertsPerService: number;
  readonly deliveriesPerService: number;
  /** Between two deliveries of a sender; none by default. */
  readonly pauseMs?: number;
  /** Told of every 2xx. */
  readonly answered: () => void;
}

export interface Senders {
  /** Alerts that were sent at all, by id. */
  readonly truth: ReadonlyMap<string, SentAlert>;
  /** Lets the services of this wave begin. */
  begin(wave: number): void;
  /** Each sender ends with the delivery that it is at. */
  enough(): void;
  /** Requests that were repeated because nothing, or a 5xx, came back. */
  retries(): number;
  /** Resolves when every delivery was answered 2xx. */
  readonly done: Promise<void>;
}

interface Change {
  readonly alert: SentAlert;
  readonly status: SentAlert['status'];
  readonly startsAt: number;
  readonly endsAt: number | undefined;
}

/** As long as a sender waits for an answer. */
const PATIENCE_MS = 2_000;
const BACKOFF_MS = { first: 50, most: 800 };
/** Most deliveries are single alerts, some are batches. */
const BATCH_CHANCE = 0.4;

export function startSenders(options: SendersOptions): Senders {
  const truth = new Map<string, SentAlert>();
  let retries = 0;
  const retried = () => void (retries += 1);
  const ending = new AbortController();
  const begun = new EventEmitter().setMaxListeners(0);
  const senders = options.services.map(async (service) => {
    await once(begun, String(service.wave));
    await send(options, service, truth, retried, ending.signal);
  });
  return {
    truth,
    begin: (wave) => void begun.emit(String(wave)),
    enough: () => ending.abort(),
    retries: () => retries,
    done: Promise.all(senders).then(() => undefined),
  };
}

async function send(
  options: SendersOptions,
  { name, severity, environment = 'production' }: SendingService,
  truth: Map<string, SentAlert>,
  retried: () => void,
  ending: AbortSignal,
): Promise<void> {
  const random = options.random.fork(name);
  const alerts = Array.from({ length: options.alertsPerService }, (_, index) =>
    unsent(`${name}-${index}`, name, severity),
  );
  for (let sent = 0; sent < options.deliveriesPerService && !ending.aborted; sent++) {
    const size = random.chance(BATCH_CHANCE) ? random.int(2, alerts.length) : 1;
    const changes = random.shuffle(alerts).slice(0, size).map(changeOf);
    await insist(options.url, JSON.stringify(webhookOf(changes, environment)), retried);
    for (const change of changes) {
      apply(change);
      truth.set(change.alert.id, change.alert);
    }
    options.answered();
    if (options.pauseMs !== undefined) await setTimeout(options.pauseMs);
  }
}

function unsent(id: string, service: string, severity: SentAlert['severity']): SentAlert {
  return {
    id,
    service,
    severity,
    status: 'resolved',
    startsAt: 0,
    endsAt: 0,
    fired: 0,
    resolved: 0,
  };
}

function changeOf(alert: SentAlert): Change {
  const now = Date.now();
  if (alert.status === 'firing') {
    const endsAt = Math.max(now, alert.startsAt + 1);
    return { alert, status: 'resolved', startsAt: alert.startsAt, endsAt };
  }
  // A firing that begins at the very instant of an end is the one that ended.
  const startsAt = Math.max(now, alert.endsAt + 1);
  return { alert, status: 'firing', startsAt, endsAt: undefined };
}

function apply({ alert, status, startsAt, endsAt }: Change): void {
  alert.status = status;
  alert.startsAt = startsAt;
  if (endsAt !== undefined) alert.endsAt = endsAt;
  if (status === 'firing') alert.fired += 1;
  else alert.resolved += 1;
}

async function insist(url: () => string, body: string, retried: () => void): Promise<void> {
  for (let wait = BACKOFF_MS.first; ; wait = Math.min(BACKOFF_MS.most, wait * 2)) {
    const status = await post(url(), body);
    if (status !== undefined && status < 300) return;
    if (status !== undefined && status < 500) throw new Error(`the webhook was answered ${status}`);
    retried();
    await setTimeout(wait);
  }
}

/** Undefined: no answer. */
async function post(url: string, body: string): Promise<number | undefined> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    // fetch says so of everything that happens on the network, and of an answer that does not come.
    if (error instanceof TypeError) return undefined;
    if (error instanceof Error && error.name === 'TimeoutError') return undefined;
    throw error;
  }
}

function webhookOf(changes: readonly Change[], environment: string): unknown {
  const status = changes.some((change) => change.status === 'firing') ? 'firing' : 'resolved';
  const alerts = changes.map(({ alert, status, startsAt, endsAt }) => ({
    status,
    labels: {
      alertname: 'Broken',
      service: alert.service,
      severity: alert.severity,
      environment,
      instance_id: alert.id,
    },
    annotations: { summary: `${alert.service} is broken` },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: endsAt === undefined ? '0001-01-01T00:00:00Z' : new Date(endsAt).toISOString(),
    generatorURL: '',
    fingerprint: alert.id,
  }));
  return { version: '4', groupKey: '{}:{}', truncatedAlerts: 0, receiver: 'quell', status, alerts };
}
