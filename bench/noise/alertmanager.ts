/**
 * What an Alertmanager makes of firings: the webhooks that its receiver gets, and when.
 *
 * Groups, group_wait, group_interval, repeat_interval, send_resolved and the rule by which it notifies
 * are the real ones (notify.go `needsUpdate`): something new fires, something told has resolved, or
 * repeat_interval has passed. What comes and goes between two flushes is never sent.
 */
import { createHash } from 'node:crypto';
import type { Labels, LabelStyle } from './labels.ts';

export interface Sent {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: number;
  readonly endsAt: number;
}

export interface Notification {
  readonly at: number;
  readonly groupLabels: Labels;
  readonly alerts: readonly { readonly alert: Sent; readonly firing: boolean }[];
}

/** All notifications of one receiver, group by group; sort them by `at`. */
export function notifications(
  alerts: readonly Sent[],
  receiver: LabelStyle['receiver'],
  until: number,
): Notification[] {
  const groups = new Map<string, { readonly labels: Labels; readonly alerts: Sent[] }>();
  for (const alert of alerts) {
    const labels = groupLabels(alert.labels, receiver.groupBy);
    const key = JSON.stringify(labels);
    const group = groups.get(key) ?? { labels, alerts: [] };
    group.alerts.push(alert);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((group) => notificationsOfGroup(group, receiver, until));
}

function groupLabels(labels: Labels, groupBy: LabelStyle['receiver']['groupBy']): Labels {
  if (groupBy === 'all') return labels;
  return Object.fromEntries(
    groupBy.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])),
  );
}

function notificationsOfGroup(
  { labels, alerts }: { readonly labels: Labels; readonly alerts: readonly Sent[] },
  { groupWaitMs, groupIntervalMs, repeatIntervalMs }: LabelStyle['receiver'],
  until: number,
): Notification[] {
  const waiting = [...alerts].sort((a, b) => a.startsAt - b.startsAt);
  const out: Notification[] = [];
  /** The newest firing of each alert that the group holds. */
  const held = new Map<string, Sent>();
  let told:
    | {
        readonly firing: ReadonlySet<string>;
        readonly resolved: ReadonlySet<string>;
        readonly at: number;
      }
    | undefined;
  let next = 0;
  for (;;) {
    const first = waiting[next];
    if (first === undefined) return out;
    // A new group: it lives until a flush leaves it empty.
    let at = first.startsAt + groupWaitMs;
    do {
      for (; next < waiting.length; next += 1) {
        const alert = waiting[next];
        if (alert === undefined || alert.startsAt > at) break;
        held.set(JSON.stringify(alert.labels), alert);
      }
      const firing = new Set<string>();
      const resolved = new Set<string>();
      for (const [key, alert] of held) (alert.endsAt > at ? firing : resolved).add(key);
      const due =
        told === undefined
          ? firing.size > 0
          : !isSubset(firing, told.firing) ||
            (firing.size === 0 ? told.firing.size > 0 : !isSubset(resolved, told.resolved)) ||
            at - told.at >= repeatIntervalMs;
      if (due && (firing.size > 0 || told !== undefined)) {
        out.push({
          at,
          groupLabels: labels,
          alerts: [...held].map(([key, alert]) => ({ alert, firing: firing.has(key) })),
        });
        told = { firing, resolved, at };
      }
      for (const key of resolved) held.delete(key);
      at += ticksUntilChange(at, held, waiting[next], {
        groupIntervalMs,
        repeatAt: (told?.at ?? at) + repeatIntervalMs,
      });
    } while (held.size > 0 && at <= until);
    if (held.size > 0) return out;
    // The notification log still knows the group: a later alert that fires again is new to it.
    told = undefined;
  }
}

/** Flushes at which nothing changed send nothing: skip them. */
function ticksUntilChange(
  at: number,
  held: ReadonlyMap<string, Sent>,
  next: Sent | undefined,
  { groupIntervalMs, repeatAt }: { readonly groupIntervalMs: number; readonly repeatAt: number },
): number {
  let change = Math.min(repeatAt, next?.startsAt ?? Number.POSITIVE_INFINITY);
  for (const alert of held.values()) change = Math.min(change, alert.endsAt);
  return Math.max(1, Math.ceil((change - at) / groupIntervalMs)) * groupIntervalMs;
}

function isSubset(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const item of a) if (!b.has(item)) return false;
  return true;
}

/** The webhook's body, version 4. `skewMs` is how far this replica's clock is off. */
export function webhookBody({ groupLabels: group, alerts }: Notification, skewMs: number): unknown {
  const sent = alerts.map(({ alert, firing }) => ({
    status: firing ? 'firing' : 'resolved',
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: iso(alert.startsAt + skewMs),
    endsAt: firing ? '0001-01-01T00:00:00Z' : iso(alert.endsAt + skewMs),
    generatorURL: `http://prometheus.example.net/graph?g0.expr=${encodeURIComponent(alert.labels['alertname'] ?? '')}&g0.tab=1`,
    fingerprint: createHash('sha256')
      .update(JSON.stringify(alert.labels))
      .digest('hex')
      .slice(0, 16),
  }));
  return {
    receiver: 'quell',
    status: alerts.some(({ firing }) => firing) ? 'firing' : 'resolved',
    alerts: sent,
    groupLabels: group,
    commonLabels: common(alerts.map(({ alert }) => alert.labels)),
    commonAnnotations: common(alerts.map(({ alert }) => alert.annotations)),
    externalURL: 'http://alertmanager.example.net',
    version: '4',
    groupKey: `{}:{${Object.entries(group)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(', ')}}`,
    truncatedAlerts: 0,
  };
}

function common(sets: readonly Labels[]): Labels {
  const [first = {}, ...others] = sets;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((set) => set[name] === value)),
  );
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
