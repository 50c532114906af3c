/** Alertmanager's webhook, version 4, as Alertmanager writes it: one body for each group. */
import { createHash } from 'node:crypto';
import type { Beat, DemoAlert } from './scenario.ts';

export interface Episode {
  readonly startsAt: Date;
  readonly endsAt: Date | undefined;
}

/** What an alert fires with; `run` keeps the alerts of one run apart from those of the last. */
export function labelsOf(alert: DemoAlert, run: string): Readonly<Record<string, string>> {
  const { service, name, severity, pod, transaction } = alert;
  return {
    alertname: name,
    service,
    severity,
    environment: 'production',
    ...(pod === undefined ? {} : { pod }),
    ...(transaction === undefined ? {} : { transaction_id: transaction }),
    demo_run: run,
  };
}

export function webhookOf(
  { alerts, status }: Beat,
  run: string,
  episodeOf: (alert: DemoAlert) => Episode,
): unknown {
  const [first] = alerts;
  const group = { alertname: first?.name ?? '', service: first?.service ?? '' };
  return {
    receiver: 'quell',
    status,
    alerts: alerts.map((alert) => alertIn(alert, status, run, episodeOf(alert))),
    groupLabels: group,
    commonLabels: { ...group, environment: 'production', demo_run: run },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example.com:9093',
    version: '4',
    groupKey: `{}:{alertname="${group.alertname}", service="${group.service}"}`,
    truncatedAlerts: 0,
  };
}

function alertIn(
  alert: DemoAlert,
  status: Beat['status'],
  run: string,
  { startsAt, endsAt }: Episode,
): unknown {
  const labels = labelsOf(alert, run);
  const hash = createHash('sha1').update(JSON.stringify(labels));
  return {
    status,
    labels,
    annotations: { summary: alert.summary },
    startsAt: startsAt.toISOString(),
    endsAt: endsAt?.toISOString() ?? '0001-01-01T00:00:00Z',
    generatorURL: `http://prometheus.example.com:9090/graph?g0.expr=${alert.name}`,
    fingerprint: hash.digest('hex').slice(0, 16),
  };
}
