/**
 * A view of the incident that EXPERIENCE calls "3 a.m.", for tests that say only what they change.
 *
 * `NOW` is 02:47 UTC; the incident began six minutes earlier.
 */
import type { MessageView } from '../../src/view.ts';

export const NOW = Date.UTC(2026, 2, 10, 2, 47, 0);
export const MINUTE_MS = 60_000;

export function minutesAgo(minutes: number): number {
  return NOW - minutes * MINUTE_MS;
}

export function messageView(change: Partial<MessageView> = {}): MessageView {
  return {
    incident: '7Q2K',
    revision: 3,
    phase: 'open',
    special: undefined,
    severity: 'critical',
    environment: 'production',
    startsAt: minutesAgo(6),
    resolvedAt: undefined,
    endedAt: undefined,
    now: NOW,
    lead: {
      name: 'PostgresDown',
      service: 'payments-db',
      summary: 'payments-db refuses connections',
      description: 'payments-db refuses connections: all 100 are in use, and have been for 2 min.',
      host: 'db-7',
      isElsewhereToo: false,
      impact: undefined,
    },
    root: {
      service: 'payments-db',
      explains: 13,
      of: 14,
      since: minutesAgo(6),
      reasons: ['alerted first among 4 candidates', 'checkout -> payments -> payments-db'],
      tier: 1,
      owner: 'team-payments',
      explainsOthers: true,
    },
    otherRoots: [
      {
        service: 'fraud-check',
        explains: 6,
        of: 14,
        since: minutesAgo(5),
        reasons: [],
        explainsOthers: true,
      },
    ],
    services: [
      { name: 'payments', firing: 6, alerts: 6 },
      { name: 'checkout', firing: 4, alerts: 5 },
      { name: 'orders', firing: 1, alerts: 2 },
      { name: 'basket', firing: 1, alerts: 1 },
    ],
    servicesTotal: 4,
    alerts: { firing: 12, total: 14 },
    kinds: [
      { name: 'HighErrorRate', alerts: 9 },
      { name: 'HighLatency', alerts: 4 },
      { name: 'PostgresDown', alerts: 1 },
    ],
    capabilities: ['Checkout'],
    neededBy: [],
    victim: undefined,
    transactions: { ids: ['tid_9f3ac1', 'tid_77aa02'], total: 7 },
    owner: 'team-payments',
    links: {
      runbook: 'https://wiki.example.com/runbooks/Postgres-connection-exhaustion',
      dashboard: 'https://grafana.example.com/d/payments?from=now-1h&to=now',
      source: 'https://prometheus.example.com/graph?g0.expr=pg_up',
      logs: 'https://logs.example.com/search?q=tid_9f3ac1',
      explain: 'https://quell.example.com/v1/incidents/7Q2K',
    },
    mention: [],
    called: [],
    acknowledged: [],
    solved: undefined,
    snoozed: undefined,
    notActionable: [],
    escalated: 0,
    reopened: 0,
    flapping: undefined,
    mergedInto: undefined,
    storm: undefined,
    heartbeat: undefined,
    toldBecause: 'critical on a tier 1 service',
    snoozeMs: 3_600_000,
    people: new Map([
      ['U1', 'Ann'],
      ['U2', 'Bob'],
      ['S1', 'payments on-call'],
    ]),
    emoji: {
      acknowledge: 'eyes',
      solved: 'white_check_mark',
      snooze: 'no_bell',
      'not-actionable': 'wastebasket',
    },
    ...change,
  };
}

/** One alert of one service that no catalog knows, without texts or links: what a bare set-up sends. */
export function bareView(change: Partial<MessageView> = {}): MessageView {
  return messageView({
    severity: 'warning',
    environment: '',
    lead: {
      name: 'HighErrorRate',
      service: 'checkout',
      summary: undefined,
      description: undefined,
      host: undefined,
      isElsewhereToo: false,
      impact: undefined,
    },
    root: {
      service: 'checkout',
      explains: 1,
      of: 1,
      since: minutesAgo(6),
      reasons: [],
      tier: undefined,
      owner: undefined,
      explainsOthers: false,
    },
    otherRoots: [],
    services: [{ name: 'checkout', firing: 1, alerts: 1 }],
    servicesTotal: 1,
    alerts: { firing: 1, total: 1 },
    kinds: [{ name: 'HighErrorRate', alerts: 1 }],
    capabilities: [],
    neededBy: [],
    victim: undefined,
    transactions: { ids: [], total: 0 },
    owner: undefined,
    links: {
      runbook: undefined,
      dashboard: undefined,
      source: undefined,
      logs: undefined,
      explain: undefined,
    },
    ...change,
  });
}
